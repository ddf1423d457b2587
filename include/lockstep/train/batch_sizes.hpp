// Samples per shard, per rank, per step, and of all ranks together.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <lockstep/train/options.hpp>

namespace lockstep::train {

/// A global batch is cut into shards: one per rank, or virtual shards. The number of virtual
/// shards, and with it every sum over samples, does not depend on the number of ranks.
struct BatchSizes {
  std::int64_t micro = 64;      ///< samples of one shard in one forward pass
  std::int64_t accumulate = 1;  ///< forward passes per shard in one optimizer step
  std::int64_t ranks = 1;
  std::int64_t shards_per_rank = 1;
  bool by_rank = true;  ///< derived from the batch per rank, so they grow with the number of ranks

  [[nodiscard]] std::int64_t shards() const { return shards_per_rank * ranks; }
  [[nodiscard]] std::int64_t per_shard() const { return micro * accumulate; }
  [[nodiscard]] std::int64_t global() const { return per_shard() * shards(); }
  /// A rank's samples in one pass of each of its shards.
  [[nodiscard]] std::int64_t batch_size() const { return micro * shards_per_rank; }
  /// "4 ranks × 64 = global batch 256".
  [[nodiscard]] std::string describe() const;
  /// The global batch with which these ranks train as a single rank does. Absent if the current one
  /// does so already, or if the ranks could not share it.
  [[nodiscard]] std::optional<std::int64_t> global_of_one_rank() const;
};

/// Throws UsageError if the ranks cannot share the virtual shards evenly, or the shards the global
/// batch.
[[nodiscard]] BatchSizes resolve_batch_sizes(const TrainOptions& options, int world_size);

/// Throws UsageError if `samples` training images leave a rank without any, an epoch without a
/// step, or a validation set without an image.
void check_enough_samples(const TrainOptions& options, const BatchSizes& sizes,
                          std::int64_t samples);

}  // namespace lockstep::train

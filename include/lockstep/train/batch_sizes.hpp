// Samples a shard, a rank, a step, and all ranks together.
#pragma once

#include <cstdint>
#include <string>

#include <lockstep/train/options.hpp>

namespace lockstep::train {

/// A global batch is cut into shards: one a rank, or --virtual-shards of them, whose number, and
/// with it every sum over samples, does not depend on the number of ranks.
struct BatchSizes {
  std::int64_t micro = 64;      ///< samples of one forward pass, of one shard
  std::int64_t accumulate = 1;  ///< forward passes that a shard takes in one optimizer step
  std::int64_t ranks = 1;
  std::int64_t shards_per_rank = 1;
  bool by_rank = true;  ///< they follow from --batch-size, and grow with the number of ranks

  [[nodiscard]] std::int64_t shards() const { return shards_per_rank * ranks; }
  [[nodiscard]] std::int64_t per_shard() const { return micro * accumulate; }
  [[nodiscard]] std::int64_t global() const { return per_shard() * shards(); }
  /// What --batch-size says: a rank's samples, one pass of each of its shards.
  [[nodiscard]] std::int64_t batch_size() const { return micro * shards_per_rank; }
  /// "4 ranks × 64 = global batch 256", with what to type to train as one rank does
  /// where the global batch grows with the number of ranks.
  [[nodiscard]] std::string describe() const;
};

/// Throws UsageError if the ranks cannot share the virtual shards, or the shards the global batch.
[[nodiscard]] BatchSizes resolve_batch_sizes(const TrainOptions& options, int world_size);

/// Throws UsageError if `samples` training images leave a rank without any, an epoch without a
/// step, or a validation set without an image.
void check_enough_samples(const TrainOptions& options, const BatchSizes& sizes,
                          std::int64_t samples);

}  // namespace lockstep::train

// Samples a rank, a step, and all ranks together.
#pragma once

#include <cstdint>
#include <string>

#include <lockstep/train/options.hpp>

namespace lockstep::train {

struct BatchSizes {
  std::int64_t micro = 64;      ///< samples of one forward pass of one rank (--batch-size)
  std::int64_t accumulate = 1;  ///< forward passes of one optimizer step
  std::int64_t ranks = 1;

  [[nodiscard]] std::int64_t per_rank() const { return micro * accumulate; }
  [[nodiscard]] std::int64_t global() const { return per_rank() * ranks; }
  /// "4 ranks × 64 = global batch 256", with what to type to train as one rank does.
  [[nodiscard]] std::string describe() const;
};

/// Throws UsageError if the global batch cannot be shared evenly.
[[nodiscard]] BatchSizes resolve_batch_sizes(const TrainOptions& options, int world_size);

}  // namespace lockstep::train

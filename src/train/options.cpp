#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/train/optimizer_kind.hpp>
#include <lockstep/train/options.hpp>

namespace lockstep::train {

void check_combinations(const TrainOptions& options) {
  const auto& optimization = options.optimization;
  if (options.sampling.batch_size && options.sampling.global_batch_size) {
    throw UsageError(
        "--batch-size and --global-batch-size exclude each other: give the samples of a rank or "
        "those of all");
  }
  if (optimization.momentum > 0 && !optimizer_kind(optimization).takes_momentum) {
    throw UsageError(
        "--momentum is for --optimizer sgd and rmsprop; adam and adamw have their own");
  }
}

}  // namespace lockstep::train

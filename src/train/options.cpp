#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/train/optimizer_kind.hpp>
#include <lockstep/train/options.hpp>

namespace lockstep::train {

void check_combinations(const TrainOptions& options) {
  const auto& optimization = options.optimization;
  if (options.sampling.batch_size && options.sampling.global_batch_size) {
    throw UsageError(
        "a batch per rank and a global batch exclude each other: give the samples of a rank or "
        "those of all",
        {"batch_size", "global_batch_size"});
  }
  if (optimization.momentum > 0 && !optimizer_kind(optimization).takes_momentum) {
    throw UsageError(
        "momentum is for the optimizers sgd and rmsprop; adam and adamw have their own",
        {"momentum", "optimizer"});
  }
}

}  // namespace lockstep::train

#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/train/options.hpp>

namespace lockstep::train {
namespace {

// 2 GiB of float32: one collective's count still fits MPI's int.

constexpr double kWeightDecayOfAdamW = 0.01;  // torch.optim.AdamW; all others have none

}  // namespace

double weight_decay_of(const OptimizationOptions& options) {
  const bool decays = options.optimizer == Optimizer::kAdamW;
  return options.weight_decay.value_or(decays ? kWeightDecayOfAdamW : 0.0);
}

void check_combinations(const TrainOptions& options) {
  const auto& optimization = options.optimization;
  if (options.sampling.batch_size && options.sampling.global_batch_size) {
    throw UsageError(
        "--batch-size and --global-batch-size exclude each other: give the samples of a rank or "
        "those of all");
  }
  const bool has_momentum =
      optimization.optimizer == Optimizer::kSgd || optimization.optimizer == Optimizer::kRmsProp;
  if (optimization.momentum > 0 && !has_momentum) {
    throw UsageError(
        "--momentum is for --optimizer sgd and rmsprop; adam and adamw have their own");
  }
}

}  // namespace lockstep::train

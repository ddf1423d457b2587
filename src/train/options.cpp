#include <lockstep/base/error.hpp>
#include <lockstep/train/options.hpp>

namespace lockstep::train {

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
  if (options.data.synthetic && !options.data.data_dir.empty()) {
    throw UsageError("--synthetic and --data-dir exclude each other: leave one of them out");
  }
}

}  // namespace lockstep::train

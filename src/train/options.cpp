#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/data/image_dataset.hpp>
#include <lockstep/train/options.hpp>

namespace lockstep::train {
namespace {

// 2 GiB of float32: one collective's count still fits MPI's int.
constexpr std::int64_t kMostParameters = std::int64_t{1} << 29U;

}  // namespace

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
  std::int64_t parameters = 0;
  std::int64_t width = data::kImagePixels;
  for (const std::int64_t next : options.model.hidden) {
    parameters += (width + 1) * next;
    width = next;
  }
  if (parameters > kMostParameters) {
    throw UsageError(
        fmt::format("--hidden: {} parameters exceed the limit of {}", parameters, kMostParameters));
  }
}

}  // namespace lockstep::train

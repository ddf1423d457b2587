#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/train/optimizer_kind.hpp>
#include <lockstep/train/options.hpp>

namespace lockstep::train {

std::uint64_t data_seed_of(const SamplingOptions& options) {
  return options.data_seed.value_or(options.seed);
}

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

void check_loss(model::Loss loss, const data::SampleSpec& spec) {
  const bool classes = std::holds_alternative<data::ClassTarget>(spec.target);
  if (classes ? model::takes_classes(loss) : model::takes_numbers(loss)) return;
  throw UsageError(classes ? "the targets are classes, and the loss l1 is for numbers"
                           : "the targets are numbers: use the loss mse or l1",
                   {"loss"});
}

}  // namespace lockstep::train

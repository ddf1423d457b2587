#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/train/optimizer_kind.hpp>
#include <lockstep/train/options.hpp>

namespace lockstep::train {
namespace {

void check_momentum(const OptimizationOptions& options) {
  const auto& kind = optimizer_kind(options);
  if (options.momentum > 0 && !kind.takes_momentum) {
    throw UsageError(
        "momentum is for the optimizers sgd and rmsprop; adam and adamw have their own",
        {"momentum", "optimizer"});
  }
  if (!options.nesterov) return;
  if (!kind.takes_nesterov) {
    throw UsageError(
        fmt::format("Nesterov momentum is for the optimizer sgd: leave it out with {}", kind.name),
        {"nesterov", "optimizer"});
  }
  if (options.momentum == 0) {
    throw UsageError("Nesterov momentum needs a momentum above 0, such as 0.9",
                     {"nesterov", "momentum"});
  }
}

void check_schedule(const OptimizationOptions& options) {
  if (options.lr_schedule == LearningRateSchedule::kOneCycle && options.warmup_steps > 0) {
    throw UsageError(
        "the schedule onecycle has a warm-up of its own: leave out the warm-up steps, or take "
        "another schedule",
        {"lr_schedule", "warmup_steps"});
  }
}

void check_label_smoothing(const ModelOptions& options) {
  if (options.label_smoothing > 0 && options.loss != model::Loss::kCrossEntropy) {
    throw UsageError("label smoothing is for the loss cross-entropy: leave it out with another",
                     {"label_smoothing", "loss"});
  }
}

}  // namespace

std::uint64_t data_seed_of(const SamplingOptions& options) {
  return options.data_seed.value_or(options.seed);
}

void check_combinations(const TrainOptions& options) {
  if (options.sampling.batch_size && options.sampling.global_batch_size) {
    throw UsageError(
        "a batch per rank and a global batch exclude each other: give the samples of a rank or "
        "those of all",
        {"batch_size", "global_batch_size"});
  }
  check_label_smoothing(options.model);
  check_momentum(options.optimization);
  check_schedule(options.optimization);
}

void check_metrics(const TrainOptions& options, const data::SampleSpec& spec) {
  const bool classes = std::holds_alternative<data::ClassTarget>(spec.target);
  const auto check = [&](const Metric& metric, const char* setting) {
    if (metric.set == metrics::Evaluation::Set::kValidation &&
        options.data.validation_fraction == 0) {
      throw UsageError(fmt::format("there is no {} without a validation set", name_of(metric)),
                       {setting, "validation_fraction"});
    }
    if (metric.is_accuracy && !classes) {
      throw UsageError(
          fmt::format("there is no {} where targets are numbers: name the average loss",
                      name_of(metric)),
          {setting});
    }
  };
  if (options.output.keep_best) check(*options.output.keep_best, "keep_best");
  if (options.optimization.early_stop) {
    check(options.optimization.early_stop->metric, "early_stop");
  }
}

void check_loss(const ModelOptions& options, const data::SampleSpec& spec) {
  check_label_smoothing(options);
  const bool classes = std::holds_alternative<data::ClassTarget>(spec.target);
  if (classes ? model::takes_classes(options.loss) : model::takes_numbers(options.loss)) return;
  if (options.label_smoothing > 0) {
    throw UsageError(
        "the targets are numbers: use the loss mse or l1, and leave out label smoothing, which is "
        "for classes",
        {"loss", "label_smoothing"});
  }
  throw UsageError(classes ? "the targets are classes, and the loss l1 is for numbers"
                           : "the targets are numbers: use the loss mse or l1",
                   {"loss"});
}

}  // namespace lockstep::train

#include <algorithm>
#include <cmath>
#include <numbers>

#include <lockstep/train/learning_rate.hpp>

namespace lockstep::train {
namespace {

// PyTorch's defaults for OneCycleLR.
constexpr double kRisingShare = 0.3;      // pct_start
constexpr double kStartDivisor = 25;      // div_factor
constexpr double kStartOverEnd = 10'000;  // final_div_factor

/// From `start` to `end` along half a cosine, as `progress` goes from 0 to 1.
double along_cosine(double start, double end, double progress) {
  return end + (start - end) / 2 * (1 + std::cos(std::numbers::pi * progress));
}

/// As PyTorch does, counts 0.3 T − 1 steps of the rise also where that is no integer, or below 0.
double one_cycle(double highest, double done, double steps) {
  const double start = highest / kStartDivisor;
  const double top = kRisingShare * steps - 1;
  if (done <= top) return along_cosine(start, highest, done / top);
  return along_cosine(highest, start / kStartOverEnd, (done - top) / (steps - 1 - top));
}

}  // namespace

double learning_rate(const OptimizationOptions& options, std::int64_t step, std::int64_t epoch,
                     std::int64_t total_steps) {
  const std::int64_t warmup = options.warmup_steps;
  if (step <= warmup) {
    return options.lr * static_cast<double>(step) / static_cast<double>(warmup);
  }
  const auto done = static_cast<double>(step - 1 - warmup);
  const auto steps = static_cast<double>(std::max<std::int64_t>(total_steps - warmup, 1));
  switch (options.lr_schedule) {
    case LearningRateSchedule::kConstant:
      return options.lr;
    case LearningRateSchedule::kStep: {
      const std::int64_t cuts = (epoch - 1) / options.lr_step_epochs;
      return options.lr * std::pow(options.lr_gamma, static_cast<double>(cuts));
    }
    case LearningRateSchedule::kCosine:
      return along_cosine(options.lr, 0, done / steps);
    case LearningRateSchedule::kOneCycle:
      return one_cycle(options.lr, done, steps);
    case LearningRateSchedule::kLinear:
      break;
  }
  return options.lr * (1 - done / steps);
}

}  // namespace lockstep::train

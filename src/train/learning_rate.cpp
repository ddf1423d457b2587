#include <algorithm>
#include <cmath>
#include <numbers>

#include <lockstep/train/learning_rate.hpp>

namespace lockstep::train {

double learning_rate(const OptimizationOptions& options, std::int64_t step, std::int64_t epoch,
                     std::int64_t total_steps) {
  const std::int64_t done = step - 1;
  const std::int64_t warmup = options.warmup_steps;
  if (done < warmup) {
    return options.lr * static_cast<double>(done + 1) / static_cast<double>(warmup);
  }
  const double progress = static_cast<double>(done - warmup) /
                          static_cast<double>(std::max<std::int64_t>(total_steps - warmup, 1));
  switch (options.lr_schedule) {
    case LearningRateSchedule::kConstant:
      return options.lr;
    case LearningRateSchedule::kStep: {
      const std::int64_t cuts = (epoch - 1) / options.lr_step_epochs;
      return options.lr * std::pow(options.lr_gamma, static_cast<double>(cuts));
    }
    case LearningRateSchedule::kCosine:
      return options.lr * (1 + std::cos(std::numbers::pi * progress)) / 2;
    case LearningRateSchedule::kLinear:
      break;
  }
  return options.lr * (1 - progress);
}

}  // namespace lockstep::train

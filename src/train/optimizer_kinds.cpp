#include <algorithm>

#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/train/optimizer_kind.hpp>

// Every optimizer: src/train/optimizers/NAME.cpp defines NAME_optimizer. The default comes first.
#define LOCKSTEP_OPTIMIZERS(kind) kind(sgd) kind(adam) kind(adamw) kind(rmsprop)

namespace lockstep::train {

#define LOCKSTEP_DECLARE(name) OptimizerKind name##_optimizer();
LOCKSTEP_OPTIMIZERS(LOCKSTEP_DECLARE)
#undef LOCKSTEP_DECLARE

const std::vector<OptimizerKind>& optimizer_kinds() {
#define LOCKSTEP_CALL(name) name##_optimizer(),
  static const std::vector<OptimizerKind> kinds = {LOCKSTEP_OPTIMIZERS(LOCKSTEP_CALL)};
#undef LOCKSTEP_CALL
  return kinds;
}

const OptimizerKind& optimizer_kind(const OptimizationOptions& options) {
  const auto& kinds = optimizer_kinds();
  const auto found = std::find_if(kinds.begin(), kinds.end(), [&](const OptimizerKind& kind) {
    return kind.name == options.optimizer;
  });
  if (found != kinds.end()) return *found;
  throw UsageError(fmt::format("there is no optimizer '{}'", options.optimizer));
}

double weight_decay_of(const OptimizationOptions& options) {
  return options.weight_decay.value_or(optimizer_kind(options).weight_decay);
}

}  // namespace lockstep::train

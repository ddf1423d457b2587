// How far a run has come.
#pragma once

#include <cstdint>

#include <nlohmann/json.hpp>

#include <lockstep/train/selection.hpp>

namespace lockstep::train {

/// A run's state except for weights and optimizer. The order of samples is a pure function of seed
/// and epoch, and a step's set of samples does not depend on the number of ranks, so a run can
/// continue from here with any number of ranks and the same global batch.
struct RunPosition {
  std::int64_t steps = 0;          ///< optimizer steps done
  std::int64_t epoch = 1;          ///< the current one, from 1
  std::int64_t step_of_epoch = 0;  ///< steps done in it; 0: it has not begun
  std::int64_t epoch_samples = 0;  ///< samples trained in it, over all ranks
  double epoch_loss = 0;           ///< sum of their losses
  Best keep_best{};                ///< of the metric by which the best checkpoint is kept
  Best early_stop{};               ///< of the metric by which the run may end early

  /// The beginning of the next epoch.
  [[nodiscard]] RunPosition next_epoch() const {
    return {.steps = steps, .epoch = epoch + 1, .keep_best = keep_best, .early_stop = early_stop};
  }

  friend bool operator==(const RunPosition&, const RunPosition&) = default;
};

/// An object with these names; the JSON library finds them through the argument's namespace.
void to_json(nlohmann::ordered_json& json, const RunPosition& position);
void from_json(const nlohmann::ordered_json& json, RunPosition& position);

}  // namespace lockstep::train

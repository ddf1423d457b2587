// How far a run has come.
#pragma once

#include <cstdint>

#include <nlohmann/json.hpp>

namespace lockstep::train {

/// Everything of a run's state but weights and optimizer. Since the order of samples is a pure
/// function of seed and epoch, and a step's set of samples does not depend on the number of ranks,
/// a run can go on from here at any number of ranks with the same global batch.
struct RunPosition {
  std::int64_t steps = 0;          ///< optimizer steps done
  std::int64_t epoch = 1;          ///< from 1; the one under way
  std::int64_t step_of_epoch = 0;  ///< steps done of it; 0: it has not begun
  std::int64_t epoch_samples = 0;  ///< trained in it, over all ranks
  double epoch_loss = 0;           ///< sum of the losses of those

  friend bool operator==(const RunPosition&, const RunPosition&) = default;
};

/// As an object of these names; found by the library through its argument's namespace.
void to_json(nlohmann::ordered_json& json, const RunPosition& position);
void from_json(const nlohmann::ordered_json& json, RunPosition& position);

}  // namespace lockstep::train

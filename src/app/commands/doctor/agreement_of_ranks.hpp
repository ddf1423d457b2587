// Whether the ranks of a job agree in what should be the same everywhere.
#pragma once

#include <vector>

#include "commands/doctor/diagnosis.hpp"

namespace lockstep::app {

/// Compares versions, settings, data sets and clocks, and names the ranks that differ from rank 0.
/// A pure function.
[[nodiscard]] std::vector<Finding> agreement(const std::vector<RankFacts>& ranks);

}  // namespace lockstep::app

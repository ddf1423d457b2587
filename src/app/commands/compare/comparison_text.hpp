// What `lockstep compare` says: for a person, and as JSON.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <lockstep/train/run_comparison.hpp>

namespace lockstep::app {

/// A verdict, then what else there is to know, each a line. `names` are the two runs' folders.
[[nodiscard]] std::string comparison_text(const train::RunComparison& comparison,
                                          const std::vector<std::string>& names);

/// One line each, with what differs: of other data or another network, always; of settings that may
/// change bits, where the runs part.
[[nodiscard]] std::vector<std::string> comparison_warnings(const train::RunComparison& comparison);

/// As docs/options.md describes it.
[[nodiscard]] nlohmann::ordered_json comparison_json(const train::RunComparison& comparison,
                                                     const std::vector<std::string>& names);

}  // namespace lockstep::app

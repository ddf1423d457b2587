// The output of `lockstep compare`: for people, and as JSON.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <lockstep/train/run_comparison.hpp>

namespace lockstep::app {

/// A verdict, then the details, one per line. `names` are the two runs' folders.
[[nodiscard]] std::string comparison_text(const train::RunComparison& comparison,
                                          const std::vector<std::string>& names);

/// One line each, naming what differs: always for other data or another network, and for settings
/// that may change bits if the runs differ.
[[nodiscard]] std::vector<std::string> comparison_warnings(const train::RunComparison& comparison);

/// As docs/options.md describes it.
[[nodiscard]] nlohmann::ordered_json comparison_json(const train::RunComparison& comparison,
                                                     const std::vector<std::string>& names);

}  // namespace lockstep::app

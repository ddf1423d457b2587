// What runs have come to: tables, and one HTML file that needs nothing else.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <lockstep/report/run.hpp>
#include <lockstep/report/table.hpp>

namespace lockstep::report {

/// One row a run.
[[nodiscard]] Table runs_table(const std::vector<Run>& runs);
/// Precision and recall of each class; of every run that has them.
[[nodiscard]] Table classes_table(const std::vector<Run>& runs);
/// A row an option; with several runs, those first in which they differ.
[[nodiscard]] Table options_table(const std::vector<Run>& runs);

/// One line a run and epoch, with its figures; schema in docs/files.md.
[[nodiscard]] std::string runs_csv(const std::vector<Run>& runs);
[[nodiscard]] nlohmann::ordered_json runs_json(const std::vector<Run>& runs);

/// Curves (with `plots`, drawn by gnuplot), figures, classes, mistakes as pictures, where the time
/// goes, options, and `commands`: how to repeat each run. Throws RuntimeFailure if gnuplot fails.
[[nodiscard]] std::string runs_page(const std::vector<Run>& runs,
                                    const std::vector<std::string>& commands, bool plots);

}  // namespace lockstep::report

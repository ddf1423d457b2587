// The results of runs: tables, and one HTML file that needs nothing else.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <lockstep/report/run.hpp>
#include <lockstep/report/table.hpp>

namespace lockstep::report {

/// One row per run.
[[nodiscard]] Table runs_table(const std::vector<Run>& runs);
/// Precision and recall of each class, for every run that has them.
[[nodiscard]] Table classes_table(const std::vector<Run>& runs);
/// One row per option; with several runs, those in which they differ come first.
[[nodiscard]] Table options_table(const std::vector<Run>& runs);

/// One line per run and epoch, with its metrics; docs/files.md has the schema.
[[nodiscard]] std::string runs_csv(const std::vector<Run>& runs);
[[nodiscard]] nlohmann::ordered_json runs_json(const std::vector<Run>& runs);

/// A page with curves (if `plots`, drawn by gnuplot), metrics, classes, mistakes as pictures, where
/// the time goes, options, and `commands`: how to repeat each run. Throws RuntimeFailure if gnuplot
/// fails.
[[nodiscard]] std::string runs_page(const std::vector<Run>& runs,
                                    const std::vector<std::string>& commands, bool plots);

}  // namespace lockstep::report

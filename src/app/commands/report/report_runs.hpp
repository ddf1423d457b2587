// `lockstep report` of finished runs.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <lockstep/base/log.hpp>
#include <lockstep/report/run.hpp>

namespace lockstep::app {

/// The command that repeats a run: the options of its config.json that are not the defaults.
[[nodiscard]] std::string command_of(const report::Run& run);

/// The runs in these folders. Throws DataError naming the first that cannot be read.
[[nodiscard]] std::vector<report::Run> read_runs(const std::vector<std::string>& folders);

/// The runs in the folders directly below `folder`, by name. Skips those that cannot be read, with
/// a warning.
[[nodiscard]] std::vector<report::Run> read_runs_below(const std::filesystem::path& folder,
                                                       const Log& log);

/// Prints a table, and writes report.html, .md, .csv and .json into `output`. Throws
/// RuntimeFailure.
void report_on_runs(const std::vector<report::Run>& runs, const std::filesystem::path& output,
                    const Log& log);

}  // namespace lockstep::app

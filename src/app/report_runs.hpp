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

/// Prints a table, and writes report.html, .md, .csv and .json into `output`. Throws DataError and
/// RuntimeFailure.
void report_on_runs(const std::vector<std::string>& folders, const std::filesystem::path& output,
                    const Log& log);

}  // namespace lockstep::app

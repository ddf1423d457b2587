// The files of every report.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include <nlohmann/json.hpp>

#include <lockstep/base/log.hpp>

namespace lockstep::app {

struct ReportFiles {
  std::string html;
  std::string markdown;
  std::string csv;
  nlohmann::ordered_json json;
  std::string text;  ///< for the terminal
};

/// What `page` makes with plots (true), or without (false) after a warning that says why: nothing
/// can draw them, or there is no room.
[[nodiscard]] std::string page_with_plots(const Log& log,
                                          const std::function<std::string(bool)>& page);

/// Writes report.html, .md, .csv and .json into `folder`, and prints the text. Throws
/// RuntimeFailure.
void write_report(const ReportFiles& files, const std::filesystem::path& folder);

}  // namespace lockstep::app

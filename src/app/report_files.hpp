// The files that every report consists of.
#pragma once

#include <filesystem>
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

/// True if plots can be drawn here; else says why the page has none.
[[nodiscard]] bool can_draw_plots(const Log& log);

/// Writes report.html, .md, .csv and .json into `folder`, and prints the text. Throws
/// RuntimeFailure.
void write_report(const ReportFiles& files, const std::filesystem::path& folder);

}  // namespace lockstep::app

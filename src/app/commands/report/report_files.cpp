#include "commands/report/report_files.hpp"

#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/base/file.hpp>
#include <lockstep/base/json_text.hpp>
#include <lockstep/base/result_file.hpp>
#include <lockstep/report/scaling_page.hpp>

namespace lockstep::app {

std::string page_with_plots(const Log& log, const std::function<std::string(bool)>& page) {
  auto trouble = report::why_no_plots();
  if (trouble.empty()) {
    try {
      return page(true);
    } catch (const RuntimeFailure& failure) {
      trouble = failure.what();
    }
  }
  log.warning(fmt::format("the page has no plots: {}", trouble));
  return page(false);
}

void write_report(const ReportFiles& files, const std::filesystem::path& folder) {
  write_result_file(folder / "report.html", files.html);
  write_result_file(folder / "report.md", files.markdown);
  write_result_file(folder / "report.csv", files.csv);
  write_result_file(folder / "report.json", json_document(files.json));
  write_standard_output(files.text);
}

}  // namespace lockstep::app

#include "report_files.hpp"

#include <lockstep/base/file.hpp>
#include <lockstep/report/scaling_page.hpp>

namespace lockstep::app {

bool can_draw_plots(const Log& log) {
  const bool can = report::can_draw_plots();
  if (!can) {
    log.warning("no gnuplot on PATH: the page has no plots; Debian's package is gnuplot-nox");
  }
  return can;
}

void write_report(const ReportFiles& files, const std::filesystem::path& folder) {
  write_file_atomically(folder / "report.html", files.html);
  write_file_atomically(folder / "report.md", files.markdown);
  write_file_atomically(folder / "report.csv", files.csv);
  write_file_atomically(
      folder / "report.json",
      files.json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  write_standard_output(files.text);
}

}  // namespace lockstep::app

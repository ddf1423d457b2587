#include <cstdio>

#include <fmt/format.h>

#include <lockstep/app/bindings.hpp>
#include <lockstep/app/commands.hpp>
#include <lockstep/app/report_option_table.hpp>
#include <lockstep/app/run_command.hpp>
#include <lockstep/base/error.hpp>
#include <lockstep/base/file.hpp>
#include <lockstep/report/scaling_page.hpp>
#include <lockstep/report/scaling_tables.hpp>

namespace lockstep::app {
namespace {

constexpr const char* kReportUsage =
    "Usage: lockstep report [options] SWEEP_DIR\n\n"
    "What a sweep of launch/scaling.sh says: how fast, how efficient, where the rest goes, and "
    "what\n"
    "to expect of more ranks. Prints tables, and writes report.html, .md, .csv and .json into the\n"
    "folder. Plots need gnuplot. Needs no launcher.\n\n";

constexpr int kDone = 0;

void write_files(const report::ScalingReport& sweep, const std::filesystem::path& folder,
                 const Log& log) {
  const bool plots = report::can_draw_plots();
  if (!plots) {
    log.warning("no gnuplot on PATH: the page has no plots; Debian's package is gnuplot-nox");
  }
  write_file_atomically(folder / "report.html", report::scaling_page(sweep, plots));
  write_file_atomically(folder / "report.md", report::scaling_markdown(sweep));
  write_file_atomically(folder / "report.csv", report::scaling_csv(sweep));
  write_file_atomically(
      folder / "report.json",
      report::scaling_json(sweep).dump(2, ' ', false, nlohmann::json::error_handler_t::replace) +
          "\n");
}

int report_on(const Arguments& folders, const ReportOptions& options) {
  if (folders.size() != 1) {
    throw UsageError(fmt::format("report takes one folder of a sweep, not {}: lockstep report DIR",
                                 folders.size()));
  }
  const std::filesystem::path folder = folders.front();
  const std::filesystem::path output =
      options.write_to.empty() ? folder : std::filesystem::path(options.write_to);
  std::error_code error;
  if (!std::filesystem::is_directory(output, error)) {
    throw DataError(fmt::format("{}: no such folder", output.string()));
  }
  const Log log(Log::Level::kInfo);
  const auto sweep =
      report::make_report(report::read_sweep(folder), options.predict_ranks, options.algorithm);
  write_files(sweep, output, log);
  fmt::print("{}", report::scaling_text(sweep));
  (void)std::fflush(stdout);
  log.info(fmt::format("page: {}", (output / "report.html").string()));
  return kDone;
}

}  // namespace

int report_command(const Arguments& arguments) {
  ReportOptions options;
  return run_alone(kReportUsage, report_option_table(options), arguments,
                   [&](const Arguments& folders) { return report_on(folders, options); });
}

}  // namespace lockstep::app

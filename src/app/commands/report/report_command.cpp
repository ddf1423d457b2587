#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/options/bindings.hpp>
#include <lockstep/report/scaling_page.hpp>
#include <lockstep/report/scaling_tables.hpp>
#include <lockstep/session/command.hpp>

#include "cli/command_list.hpp"
#include "commands/commands.hpp"
#include "commands/report/report_files.hpp"
#include "commands/report/report_runs.hpp"

namespace lockstep::app {
namespace {

using options::choice;
using options::integers;
using options::OptionTable;
using options::path;

struct ReportOptions {
  std::string write_to;  ///< empty: the sweep's own folder
  std::vector<std::int64_t> predict_ranks;
  std::optional<report::AllReduceAlgorithm> algorithm;  ///< absent: chosen from the measurements
};

OptionTable report_option_table(ReportOptions& options) {
  using report::AllReduceAlgorithm;
  using Choice = std::optional<AllReduceAlgorithm>;
  constexpr std::int64_t kMaxRanks = 1 << 20;
  return {
      {"Report",
       {{"predict-ranks",
         "sweep: also predict for these numbers of ranks (default: twice the largest measured)",
         integers(options.predict_ranks, 1, kMaxRanks)},
        {"algorithm",
         "sweep: the all-reduce to predict with (default auto: chosen from the measurements)",
         choice<Choice>(options.algorithm,
                        {{"auto", Choice()},
                         {"ring", AllReduceAlgorithm::kRing},
                         {"recursive-doubling", AllReduceAlgorithm::kRecursiveDoubling},
                         {"rabenseifner", AllReduceAlgorithm::kRabenseifner},
                         {"shared-memory", AllReduceAlgorithm::kSharedMemory}})},
        {"write-to",
         "folder for the files (default: the run's or sweep's; for several runs, the current one)",
         path(options.write_to, "DIR")}}}};
}

constexpr const char* kReportUsage =
    "Usage: lockstep report [options] RUN_DIR... | FOLDER_OF_RUNS | SWEEP_DIR\n\n"
    "Reports on runs: curves, metrics by class, the worst mistakes, where the time goes, and how\n"
    "to repeat them; several runs side by side. Or on a sweep of launch/scaling.sh: how fast, how\n"
    "efficient, where the rest of the time goes, and what to expect from more ranks. Prints\n"
    "tables, and writes report.html, .md, .csv and .json. Plots need gnuplot. Needs no "
    "launcher.\n\n";

constexpr int kDone = 0;

void report_on_sweep(const std::filesystem::path& folder, const std::filesystem::path& output,
                     const ReportOptions& options, const Log& log) {
  const auto sweep =
      report::make_report(report::read_sweep(folder), options.predict_ranks, options.algorithm);
  write_report(
      {.html = page_with_plots(log, [&](bool plots) { return report::scaling_page(sweep, plots); }),
       .markdown = report::scaling_markdown(sweep),
       .csv = report::scaling_csv(sweep),
       .json = report::scaling_json(sweep),
       .text = report::scaling_text(sweep)},
      output);
}

/// For a folder that is not a run itself: it holds a sweep's points, or runs. Files of other
/// programs may lie beside runs.
void report_on_folder(const std::filesystem::path& folder, const std::filesystem::path& output,
                      const ReportOptions& options, const Log& log) {
  const auto runs = read_runs_below(folder, log);
  const bool may_be_sweep = report::is_sweep(folder);
  if (runs.empty() && !may_be_sweep) {
    throw DataError(
        fmt::format("{}: nothing to report on: neither it nor a folder right below it holds a run "
                    "(metrics.jsonl, config.json), and it holds no point of a sweep "
                    "(launch/scaling.sh makes those)",
                    folder.string()));
  }
  if (may_be_sweep) {
    try {
      return report_on_sweep(folder, output, options, log);
    } catch (const DataError&) {
      if (runs.empty()) throw;
    }
  }
  report_on_runs(runs, output, log);
}

/// Beside what the report is about; a report on several runs goes to the current folder.
std::filesystem::path folder_for_files(const Arguments& folders, const ReportOptions& options) {
  if (!options.write_to.empty()) return options.write_to;
  return folders.size() == 1 ? std::filesystem::path(folders.front()) : ".";
}

int report_on(const Arguments& folders, const ReportOptions& options) {
  if (folders.empty()) {
    throw UsageError(
        "report on what? lockstep report RUN_DIR..., or a folder of runs, or that of a sweep");
  }
  const auto output = folder_for_files(folders, options);
  std::error_code error;
  if (!std::filesystem::is_directory(output, error)) {
    throw DataError(fmt::format("{}: no such folder", output.string()));
  }
  const Log log(Log::Level::kInfo);
  if (folders.size() > 1 || report::is_run(folders.front())) {
    report_on_runs(read_runs(folders), output, log);
  } else {
    report_on_folder(folders.front(), output, options, log);
  }
  log.info(fmt::format("page: {}", (output / "report.html").string()));
  return kDone;
}

int run_report(const Arguments& arguments) {
  ReportOptions options;
  return session::run_alone(make_command("report", kReportUsage, report_option_table(options)),
                            arguments,
                            [&](const Arguments& folders) { return report_on(folders, options); });
}

}  // namespace

Command report_command() {
  return {.name = "report",
          .operands = "DIR...",
          .summary = "tables, plots and a page of runs, or of how training scales",
          .with_table = table_for(report_option_table),
          .run = run_report};
}

}  // namespace lockstep::app

#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/base/file.hpp>
#include <lockstep/base/json_text.hpp>
#include <lockstep/options/bindings.hpp>
#include <lockstep/session/command.hpp>
#include <lockstep/session/train_option_table.hpp>

#include "cli/command_list.hpp"
#include "commands/commands.hpp"
#include "commands/compare/comparison_text.hpp"

namespace lockstep::app {
namespace {

constexpr const char* kCompareUsage =
    "Usage: lockstep compare [--json] RUN_A RUN_B\n\n"
    "Says whether the runs in two folders are identical bit for bit: their losses, checkpoints "
    "and\n"
    "final weights, as far as both go. If not, shows the first step and parameter at which they\n"
    "differ, and by how much. Exit code 0: identical; 1: different. Needs no launcher.\n\n";

constexpr int kIdentical = 0;
constexpr int kTheyPart = 1;

int compare(const Arguments& folders, bool json) {
  if (folders.size() != 2) {
    throw UsageError(fmt::format(
        "compare takes two folders of runs, not {}: lockstep compare RUN_A RUN_B", folders.size()));
  }
  train::TrainOptions defaults;
  task::BuiltinTask task;
  const auto table = session::train_option_table(defaults, task);
  const auto comparison =
      train::compare_runs(folders[0], folders[1], effects_of(table), current_values(table));
  for (const auto& warning : comparison_warnings(comparison)) {
    Log(Log::Level::kWarning).warning(warning);
  }
  write_standard_output(json ? json_document(comparison_json(comparison, folders))
                             : comparison_text(comparison, folders));
  return comparison.identical() ? kIdentical : kTheyPart;
}

struct CompareOptions {
  bool json = false;
};

options::OptionTable compare_option_table(CompareOptions& options) {
  return {{"Comparison", {{"json", "print one JSON object", options::flag(options.json)}}}};
}

int run_compare(const Arguments& arguments) {
  CompareOptions options;
  return session::run_alone(
      make_command("compare", kCompareUsage, compare_option_table(options)), arguments,
      [&](const Arguments& folders) { return compare(folders, options.json); });
}

}  // namespace

Command compare_command() {
  return {.name = "compare",
          .operands = "RUN_A RUN_B",
          .summary = "whether two runs are identical, else where they differ",
          .with_table = table_for(compare_option_table),
          .run = run_compare};
}

}  // namespace lockstep::app

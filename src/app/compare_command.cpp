#include <fmt/format.h>

#include <lockstep/app/commands.hpp>
#include <lockstep/app/comparison_text.hpp>
#include <lockstep/app/report_option_table.hpp>
#include <lockstep/base/error.hpp>
#include <lockstep/base/file.hpp>
#include <lockstep/options/bindings.hpp>
#include <lockstep/session/command.hpp>
#include <lockstep/session/train_option_table.hpp>

#include "command_list.hpp"

namespace lockstep::app {
namespace {

constexpr const char* kCompareUsage =
    "Usage: lockstep compare [--json] RUN_A RUN_B\n\n"
    "Says whether the runs in two folders are identical bit for bit: their losses, checkpoints "
    "and\n"
    "final weights, as far as both go. Else, the first step and parameter at which they part, and\n"
    "by how much. Exit code 0: identical; 1: they part. Needs no launcher.\n\n";

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
  if (json) {
    const auto text = comparison_json(comparison, folders)
                          .dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
    write_standard_output(text + '\n');
  } else {
    write_standard_output(comparison_text(comparison, folders));
  }
  return comparison.identical() ? kIdentical : kTheyPart;
}

}  // namespace

options::OptionTable compare_option_table(bool& as_json) {
  return {{"Comparison", {{"json", "print one JSON object", options::flag(as_json)}}}};
}

int compare_command(const Arguments& arguments) {
  bool json = false;
  return session::run_alone(make_command("compare", kCompareUsage, compare_option_table(json)),
                            arguments,
                            [&](const Arguments& folders) { return compare(folders, json); });
}

}  // namespace lockstep::app

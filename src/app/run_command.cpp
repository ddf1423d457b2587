#include <algorithm>
#include <optional>

#include <lockstep/app/commands.hpp>
#include <lockstep/app/run_command.hpp>
#include <lockstep/base/file.hpp>
#include <lockstep/options/option_sources.hpp>

#include "before_mpi.hpp"

namespace lockstep::app {

namespace {

constexpr const char* kCheckOptions = "--check-options";

bool contains(const Arguments& arguments, const char* wanted) {
  return std::find(arguments.begin(), arguments.end(), wanted) != arguments.end();
}

int tell_failure() {
  const auto failure = comm::describe_failure(std::current_exception());
  Log(Log::Level::kInfo).error(failure.message);
  return static_cast<int>(failure.code);
}

/// For this process alone, whoever started it. Returns the exit code.
int check_options(const options::OptionTable& table, Arguments arguments, Arguments* operands) {
  std::erase(arguments, kCheckOptions);
  std::vector<std::string> warnings;  // are told when the command runs
  try {
    apply_options(table, collect_options(table, arguments, options::process_environment(),
                                         names_of_all_commands(), warnings, operands));
    return 0;
  } catch (...) {
    return tell_failure();
  }
}

}  // namespace

bool asks_for_help(const Arguments& arguments) {
  return contains(arguments, "--help") || contains(arguments, "-h");
}

int run_command(const CommandText& text, const options::OptionTable& table,
                const Arguments& arguments, const std::function<void(Job&)>& work,
                OtherLaunchers others) {
  if (asks_for_help(arguments)) {
    write_standard_output(text.usage + help_text(table));
    return 0;
  }
  if (contains(arguments, kCheckOptions)) return check_options(table, arguments, nullptr);
  std::optional<GivenOptions> mine;
  try {
    mine = check_options_before_mpi(text.name, arguments);
  } catch (const UsageError& error) {
    return end_before_mpi(error);
  }
  return run_job([&](Job& job) {
    if (others == OtherLaunchers::kRefused) refuse_other_launchers(job);
    take_options(job, table, [&] {
      return mine ? *mine : read_options(table, arguments, names_of_all_commands());
    });
    work(job);
  });
}

int run_alone(const char* usage, const options::OptionTable& table, const Arguments& arguments,
              const std::function<int(const Arguments&)>& work) {
  if (asks_for_help(arguments)) {
    write_standard_output(usage + help_text(table));
    return 0;
  }
  Arguments operands;
  if (contains(arguments, kCheckOptions)) return check_options(table, arguments, &operands);
  const Log log(Log::Level::kInfo);
  try {
    std::vector<std::string> warnings;
    const auto given = collect_options(table, arguments, options::process_environment(),
                                       names_of_all_commands(), warnings, &operands);
    for (const auto& warning : warnings) log.warning(warning);
    apply_options(table, given);
    return work(operands);
  } catch (...) {
    return tell_failure();
  }
}

}  // namespace lockstep::app

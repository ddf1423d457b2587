#include <algorithm>
#include <csignal>
#include <optional>

#include <lockstep/base/file.hpp>
#include <lockstep/comm/failure.hpp>
#include <lockstep/options/option_sources.hpp>
#include <lockstep/options/setting_names.hpp>
#include <lockstep/session/command.hpp>

#include "before_mpi.hpp"

namespace lockstep::session {

namespace {

constexpr const char* kCheckOptions = "--check-options";

bool contains(const Arguments& arguments, const char* wanted) {
  return std::find(arguments.begin(), arguments.end(), wanted) != arguments.end();
}

int tell_failure() {
  const auto failure = comm::describe_failure(std::current_exception());
  Log(Log::Level::kInfo).error(options::with_options(failure.message, failure.settings));
  return static_cast<int>(failure.code);
}

/// Checks the options of this process alone, whoever started it. Returns the exit code.
int check_options(const Command& command, Arguments arguments, Arguments* operands) {
  std::erase(arguments, kCheckOptions);
  std::vector<std::string> warnings;  // reported when the command runs
  try {
    apply_options(command.table,
                  collect_options(command.table, arguments, options::process_environment(),
                                  command.names_elsewhere, warnings, operands));
    return 0;
  } catch (...) {
    return tell_failure();
  }
}

int print_help(const Command& command) {
  write_standard_output(command.usage + help_text(command.table));
  return 0;
}

}  // namespace

bool asks_for_help(const Arguments& arguments) {
  return contains(arguments, "--help") || contains(arguments, "-h");
}

int run_command(const Command& command, const Arguments& arguments,
                const std::function<void(Job&)>& work) {
  if (asks_for_help(arguments)) return print_help(command);
  if (contains(arguments, kCheckOptions)) return check_options(command, arguments, nullptr);
  std::optional<GivenOptions> mine;
  try {
    mine = check_options_before_mpi(command, arguments);
  } catch (const UsageError& error) {
    return end_before_mpi(error);
  }
  return run_job([&](Job& job) {
    if (command.others == OtherLaunchers::kRefused) refuse_other_launchers(job);
    take_options(job, command.table,
                 [&] { return mine ? *mine : complete_options(command, arguments); });
    work(job);
  });
}

int run_alone(const Command& command, const Arguments& arguments,
              const std::function<int(const Arguments&)>& work) {
  if (asks_for_help(arguments)) return print_help(command);
  Arguments operands;
  if (contains(arguments, kCheckOptions)) return check_options(command, arguments, &operands);
  const Log log(Log::Level::kInfo);
  try {
    std::vector<std::string> warnings;
    const auto given = collect_options(command.table, arguments, options::process_environment(),
                                       command.names_elsewhere, warnings, &operands);
    for (const auto& warning : warnings) log.warning(warning);
    apply_options(command.table, given);
    return work(operands);
  } catch (...) {
    return tell_failure();
  }
}

int run_program(const std::function<int()>& work) {
  // A file that would grow past its limit (ulimit -f) then fails as on a full disk, and this is
  // reported.
  (void)std::signal(SIGXFSZ, SIG_IGN);
  try {
    return work();
  } catch (const UsageError& error) {
    return end_before_mpi(error);
  } catch (...) {
    return tell_failure();
  }
}

}  // namespace lockstep::session

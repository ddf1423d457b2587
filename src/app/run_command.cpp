#include <algorithm>

#include <lockstep/app/commands.hpp>
#include <lockstep/app/option_sources.hpp>
#include <lockstep/app/run_command.hpp>
#include <lockstep/base/file.hpp>

#include "command_list.hpp"

namespace lockstep::app {
namespace {

/// A variable or a line for one of these is no mistake, whichever command runs.
std::vector<std::string> names_of_all_commands() {
  OptionsOfAllCommands options;
  std::vector<std::string> names;
  for (const auto& command : describe_commands(options)) {
    const auto more = option_names(command.table);
    names.insert(names.end(), more.begin(), more.end());
  }
  return names;
}

}  // namespace

bool asks_for_help(const Arguments& arguments) {
  return std::any_of(arguments.begin(), arguments.end(), [](const std::string& argument) {
    return argument == "--help" || argument == "-h";
  });
}

int run_command(const char* usage, const OptionTable& table, const Arguments& arguments,
                const std::function<void(Job&)>& work) {
  if (asks_for_help(arguments)) {
    write_standard_output(usage + help_text(table));
    return 0;
  }
  return run_job([&](Job& job) {
    take_options(job, table, arguments, names_of_all_commands());
    work(job);
  });
}

int run_alone(const char* usage, const OptionTable& table, const Arguments& arguments,
              const std::function<int(const Arguments&)>& work) {
  if (asks_for_help(arguments)) {
    write_standard_output(usage + help_text(table));
    return 0;
  }
  const Log log(Log::Level::kInfo);
  try {
    Arguments operands;
    std::vector<std::string> warnings;
    const auto given = collect_options(table, arguments, process_environment(),
                                       names_of_all_commands(), warnings, &operands);
    for (const auto& warning : warnings) log.warning(warning);
    apply_options(table, given);
    return work(operands);
  } catch (...) {
    const auto failure = comm::describe_failure(std::current_exception());
    log.error(failure.message);
    return static_cast<int>(failure.code);
  }
}

}  // namespace lockstep::app

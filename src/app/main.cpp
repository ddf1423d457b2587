#include <array>
#include <csignal>
#include <exception>

#include <fmt/format.h>

#include <lockstep/app/commands.hpp>
#include <lockstep/app/version_text.hpp>
#include <lockstep/base/error.hpp>
#include <lockstep/base/file.hpp>
#include <lockstep/base/log.hpp>
#include <lockstep/base/nearest_name.hpp>
#include <lockstep/comm/agreement.hpp>

#include "before_mpi.hpp"
#include "command_list.hpp"

namespace {

using lockstep::app::Arguments;

struct Command {
  std::string name;
  int (*run)(const Arguments&);
};

const std::array kCommands = {Command{"train", lockstep::app::train_command},
                              Command{"evaluate", lockstep::app::evaluate_command},
                              Command{"predict", lockstep::app::predict_command},
                              Command{"bench", lockstep::app::bench_command},
                              Command{"compare", lockstep::app::compare_command},
                              Command{"report", lockstep::app::report_command},
                              Command{"doctor", lockstep::app::doctor_command},
                              Command{"completion", lockstep::app::completion_command},
                              Command{"manual", lockstep::app::manual_command}};

std::string help_text() {
  std::string text = "Usage: lockstep COMMAND [options]\n\n";
  lockstep::app::OptionsOfAllCommands options;
  for (const auto& command : lockstep::app::describe_commands(options)) {
    text += fmt::format("  {:<16} {}\n", command.name, command.summary);
  }
  text += "\nlockstep COMMAND --help lists a command's options; lockstep --version what this is.\n";
  return text;
}

int run(const Arguments& arguments) {
  if (arguments.empty()) {
    throw lockstep::UsageError("no command: lockstep --help lists them");
  }
  const std::string& name = arguments.front();
  if (name == "--help" || name == "-h" || name == "help") {
    lockstep::write_standard_output(help_text());
    return 0;
  }
  if (name == "--version") {
    lockstep::write_standard_output(lockstep::app::version_text());
    return 0;
  }
  std::vector<std::string> names;
  for (const auto& command : kCommands) {
    if (command.name == name) return command.run({arguments.begin() + 1, arguments.end()});
    names.push_back(command.name);
  }
  const auto nearest = lockstep::nearest_name(name, names);
  throw lockstep::UsageError(fmt::format("unknown command '{}'{}", name,
                                         nearest ? fmt::format("; did you mean '{}'?", *nearest)
                                                 : std::string("; lockstep --help lists them")));
}

}  // namespace

int main(int argc, char** argv) {
  // A file that would grow past its limit (ulimit -f) fails as on a full disk, and is told of.
  (void)std::signal(SIGXFSZ, SIG_IGN);
  try {
    return run(Arguments(argv + 1, argv + argc));
  } catch (const lockstep::UsageError& error) {
    return lockstep::app::end_before_mpi(error);
  } catch (...) {
    const auto described = lockstep::comm::describe_failure(std::current_exception());
    lockstep::Log(lockstep::Log::Level::kWarning).error(described.message);
    return static_cast<int>(described.code);
  }
}

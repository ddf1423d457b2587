#include <array>

#include <fmt/format.h>

#include <lockstep/app/commands.hpp>
#include <lockstep/base/error.hpp>
#include <lockstep/base/file.hpp>
#include <lockstep/base/nearest_name.hpp>
#include <lockstep/session/version_text.hpp>

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
    lockstep::write_standard_output(lockstep::session::version_text());
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
  return lockstep::session::run_program([&] { return run(Arguments(argv + 1, argv + argc)); });
}

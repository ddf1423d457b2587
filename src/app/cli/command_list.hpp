// All commands of the program, in the order in which help lists them.
#pragma once

#include <string>
#include <vector>

#include "cli/command.hpp"

namespace lockstep::app {

[[nodiscard]] std::vector<Command> all_commands();

/// The names of all options of all commands.
[[nodiscard]] std::vector<std::string> names_of_all_options();

/// What session runs for the command `name`: its --help prints `usage` above the options, and
/// `table` is bound to the variables that the command reads.
[[nodiscard]] session::Command make_command(const std::string& name, std::string usage,
                                            options::OptionTable table);

}  // namespace lockstep::app

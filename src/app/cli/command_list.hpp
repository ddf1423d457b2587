// All commands of the program, in the order in which help names them.
#pragma once

#include <string>
#include <vector>

#include "cli/command.hpp"

namespace lockstep::app {

[[nodiscard]] std::vector<Command> all_commands();

/// All commands' option names.
[[nodiscard]] std::vector<std::string> names_of_all_options();

/// What session runs for the command of that name: `usage` is what its --help prints above the
/// options, `table` is bound to the variables that the command reads.
[[nodiscard]] session::Command make_command(const std::string& name, std::string usage,
                                            options::OptionTable table);

}  // namespace lockstep::app

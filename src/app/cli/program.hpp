// The program: finds the command that its arguments name.
#pragma once

#include "cli/command.hpp"

namespace lockstep::app {

/// Runs the command with which `arguments` begin (those of main, without the program's name), and
/// returns its exit code. Throws UsageError if they name none.
[[nodiscard]] int run(const Arguments& arguments);

}  // namespace lockstep::app

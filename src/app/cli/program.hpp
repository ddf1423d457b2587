// The program: which command its arguments name.
#pragma once

#include "cli/command.hpp"

namespace lockstep::app {

/// Runs the command that `arguments` (those of main, without the program's name) begin with, and
/// returns its exit code. Throws UsageError where they name none.
[[nodiscard]] int run(const Arguments& arguments);

}  // namespace lockstep::app

// What each command's file registers. A new command takes its file, a line here, and a line in
// cli/command_list.
#pragma once

#include "cli/command.hpp"

namespace lockstep::app {

[[nodiscard]] Command train_command();
[[nodiscard]] Command evaluate_command();
[[nodiscard]] Command predict_command();
[[nodiscard]] Command bench_allreduce_command();
[[nodiscard]] Command bench_step_command();
[[nodiscard]] Command compare_command();
[[nodiscard]] Command report_command();
[[nodiscard]] Command doctor_command();
[[nodiscard]] Command completion_command();
[[nodiscard]] Command manual_command();

}  // namespace lockstep::app

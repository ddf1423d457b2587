// The commands. Each takes the arguments behind its name and returns the exit code.
#pragma once

#include <lockstep/session/command.hpp>

namespace lockstep::app {

using session::Arguments;

[[nodiscard]] int train_command(const Arguments& arguments);
[[nodiscard]] int bench_command(const Arguments& arguments);
[[nodiscard]] int bench_allreduce_command(const Arguments& arguments);
[[nodiscard]] int bench_step_command(const Arguments& arguments);
[[nodiscard]] int evaluate_command(const Arguments& arguments);
[[nodiscard]] int predict_command(const Arguments& arguments);
[[nodiscard]] int compare_command(const Arguments& arguments);
[[nodiscard]] int report_command(const Arguments& arguments);
[[nodiscard]] int doctor_command(const Arguments& arguments);
[[nodiscard]] int completion_command(const Arguments& arguments);
[[nodiscard]] int manual_command(const Arguments& arguments);

}  // namespace lockstep::app

// A command with options: prints its help, or does its work on every rank.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <lockstep/app/job.hpp>
#include <lockstep/app/option_table.hpp>

namespace lockstep::app {

/// With --help among `arguments`, prints `usage` and the table. Else starts MPI, sets the options
/// that `table` is bound to and runs `work` on every rank. Returns the exit code.
[[nodiscard]] int run_command(const char* usage, const OptionTable& table,
                              const std::vector<std::string>& arguments,
                              const std::function<void(Job&)>& work);

/// The same for a command that is one process and starts no MPI. `work` takes the arguments that
/// are no options and returns the exit code; what it throws is printed as one line.
[[nodiscard]] int run_alone(const char* usage, const OptionTable& table,
                            const std::vector<std::string>& arguments,
                            const std::function<int(const std::vector<std::string>&)>& work);

}  // namespace lockstep::app

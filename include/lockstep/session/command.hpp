// A command with options: prints its help, or does its work on every rank.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <lockstep/options/option_table.hpp>
#include <lockstep/session/given_options.hpp>
#include <lockstep/session/job.hpp>

namespace lockstep::session {

using Arguments = std::vector<std::string>;

/// Whether a command works in processes that MPI sees alone although a launcher started several.
enum class OtherLaunchers : unsigned char { kRefused, kAllowed };

struct Command {
  std::string usage;           ///< what --help prints above the options
  options::OptionTable table;  ///< bound to the command's variables
  /// Makes a similar table, bound to variables that nobody reads, and passes it to the function:
  /// options are checked on it before MPI is started.
  std::function<void(const std::function<void(const options::OptionTable&)>&)> with_scratch_table;
  std::vector<std::string> names_elsewhere{};     ///< options of the program's other commands
  std::function<void(GivenOptions&)> complete{};  ///< adds options that these imply; may be null
  OtherLaunchers others = OtherLaunchers::kRefused;
};

/// True if --help (or -h) is among the arguments.
[[nodiscard]] bool asks_for_help(const Arguments& arguments);

/// With --help among `arguments`, prints the usage and the table. Otherwise starts MPI, sets the
/// options and runs `work` on every rank. Returns the exit code. Mistakes in options that this
/// process can detect end it before MPI is started.
[[nodiscard]] int run_command(const Command& command, const Arguments& arguments,
                              const std::function<void(Job&)>& work);

/// The same for a command that is one process and does not start MPI. `work` takes the arguments
/// that are not options and returns the exit code; what it throws is printed as one line.
[[nodiscard]] int run_alone(const Command& command, const Arguments& arguments,
                            const std::function<int(const Arguments&)>& work);

/// Runs a program's `main`. What it throws is printed as one line; if all processes of a job made
/// the same usage error, only one of them prints it. Returns the exit code.
[[nodiscard]] int run_program(const std::function<int()>& work);

}  // namespace lockstep::session

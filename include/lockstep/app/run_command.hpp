// A command with options: prints its help, or does its work on every rank.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <lockstep/app/job.hpp>
#include <lockstep/options/option_table.hpp>

namespace lockstep::app {

struct CommandText {
  const char* name;   ///< "bench step", as in the list of commands
  const char* usage;  ///< what --help prints above the options
};

/// Whether a command works in processes that MPI sees alone, though a launcher started several.
enum class OtherLaunchers : unsigned char { kRefused, kAllowed };

/// With --help among `arguments`, prints `text.usage` and the table. Else starts MPI, sets the
/// options that `table` is bound to and runs `work` on every rank. Returns the exit code. Mistakes
/// in options end it before MPI is started, where this process can know of them.
[[nodiscard]] int run_command(const CommandText& text, const options::OptionTable& table,
                              const std::vector<std::string>& arguments,
                              const std::function<void(Job&)>& work,
                              OtherLaunchers others = OtherLaunchers::kRefused);

/// The same for a command that is one process and starts no MPI. `work` takes the arguments that
/// are no options and returns the exit code; what it throws is printed as one line.
[[nodiscard]] int run_alone(const char* usage, const options::OptionTable& table,
                            const std::vector<std::string>& arguments,
                            const std::function<int(const std::vector<std::string>&)>& work);

}  // namespace lockstep::app

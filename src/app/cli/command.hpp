// A command of the program, as seen by the list of commands, help, completion and the manual.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <lockstep/options/option_table.hpp>
#include <lockstep/session/command.hpp>

namespace lockstep::app {

using session::Arguments;

using TableUser = std::function<void(const options::OptionTable&)>;

struct Command {
  std::string name;      ///< "bench step"
  std::string operands;  ///< "RUN_A RUN_B"
  std::string summary;
  /// Passes a table of the command's options, bound to variables that nobody reads, to the
  /// function.
  std::function<void(const TableUser&)> with_table;
  /// Takes the arguments after the name, and returns the exit code.
  int (*run)(const Arguments& arguments);
};

/// For `Command::with_table`: passes on the table that `table_of` makes for its own `Options`.
template <typename Options>
[[nodiscard]] std::function<void(const TableUser&)> table_for(
    options::OptionTable (*table_of)(Options&)) {
  return [table_of](const TableUser& use) {
    Options options;
    use(table_of(options));
  };
}

}  // namespace lockstep::app

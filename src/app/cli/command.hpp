// A command of the program, as the list of commands, help, completion and the manual know it.
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
  /// Gives the function a table of the command's options, bound to variables that nobody reads.
  std::function<void(const TableUser&)> with_table;
  /// Takes the arguments behind the name, and returns the exit code.
  int (*run)(const Arguments& arguments);
};

/// For `Command::with_table`: the table that `table_of` makes for an `Options` of its own.
template <typename Options>
[[nodiscard]] std::function<void(const TableUser&)> table_for(
    options::OptionTable (*table_of)(Options&)) {
  return [table_of](const TableUser& use) {
    Options options;
    use(table_of(options));
  };
}

}  // namespace lockstep::app

// The command that trains a task.
#pragma once

#include <string>
#include <vector>

#include <lockstep/session/command.hpp>
#include <lockstep/task/task.hpp>

namespace lockstep::session {

/// What a program that trains is called, and what else it has.
struct TrainProgram {
  std::string command;                         ///< as it is typed: "lockstep train"
  std::string about;                           ///< a sentence or two for --help
  std::vector<std::string> names_elsewhere{};  ///< options of the program's other commands
};

/// Trains with every option of `lockstep train` and those of the task. Returns the exit code.
[[nodiscard]] int train_command(const TrainProgram& program, const task::TaskFactory& make_task,
                                const Arguments& arguments);

}  // namespace lockstep::session

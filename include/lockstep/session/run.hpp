// A program of one's own that trains as `lockstep train` does.
#pragma once

#include <memory>

#include <lockstep/task/own_task.hpp>
#include <lockstep/task/task.hpp>

namespace lockstep {

/// The whole of a program's `main`: trains the task with every option, file, signal and exit code
/// of `lockstep train`, on all ranks that mpirun or srun started. Returns the exit code.
/// `make_task` is called more than once. It may start the program anew, in the same process, when
/// something has to stand in the environment before libraries are loaded: call it first.
[[nodiscard]] int run(int argc, char** argv, const task::TaskFactory& make_task);
[[nodiscard]] int run(int argc, char** argv, const task::TaskParts& parts);

/// The same with a class derived from task::Task.
template <typename OwnTask>
[[nodiscard]] int run(int argc, char** argv) {
  return run(argc, argv, [] { return std::make_unique<OwnTask>(); });
}

}  // namespace lockstep

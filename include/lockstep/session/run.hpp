// A program of your own that trains as `lockstep train` does.
#pragma once

#include <memory>

#include <lockstep/task/own_task.hpp>
#include <lockstep/task/task.hpp>

namespace lockstep {

/// The whole `main` of a program: trains the task with every option, file, signal and exit code of
/// `lockstep train`, on all ranks that mpirun or srun started. Returns the exit code. Calls
/// `make_task` more than once. It may start the program again, in the same process, to set
/// environment variables before libraries are loaded, so call it first.
[[nodiscard]] int run(int argc, char** argv, const task::TaskFactory& make_task);
[[nodiscard]] int run(int argc, char** argv, const task::TaskParts& parts);

/// The same with a class derived from task::Task.
template <typename OwnTask>
[[nodiscard]] int run(int argc, char** argv) {
  return run(argc, argv, [] { return std::make_unique<OwnTask>(); });
}

}  // namespace lockstep

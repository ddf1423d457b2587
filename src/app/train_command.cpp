#include <memory>

#include <lockstep/app/commands.hpp>
#include <lockstep/session/train_command.hpp>
#include <lockstep/task/builtin_task.hpp>

#include "command_list.hpp"

namespace lockstep::app {

int train_command(const Arguments& arguments) {
  return session::train_command(
      {.command = "lockstep train",
       .about =
           "Trains the tutorial's network on FashionMNIST with synchronous data parallelism: one "
           "replica\na rank, gradients summed over ranks before every step.",
       .names_elsewhere = names_of_all_commands()},
      [] { return std::make_unique<task::BuiltinTask>(); }, arguments);
}

}  // namespace lockstep::app

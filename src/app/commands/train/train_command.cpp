#include <memory>

#include <lockstep/session/train_command.hpp>
#include <lockstep/session/train_option_table.hpp>
#include <lockstep/task/builtin_task.hpp>

#include "cli/command_list.hpp"
#include "commands/commands.hpp"

namespace lockstep::app {
namespace {

struct OptionsOfTrain {
  train::TrainOptions train;
  task::BuiltinTask task;
};

options::OptionTable table_of_train(OptionsOfTrain& options) {
  return session::train_option_table(options.train, options.task);
}

int run_train(const Arguments& arguments) {
  return session::train_command(
      {.command = "lockstep train",
       .about = "Trains the tutorial's network on FashionMNIST with synchronous data parallelism: "
                "one replica\n"
                "per rank, with gradients summed over ranks before every step.",
       .names_elsewhere = names_of_all_options()},
      [] { return std::make_unique<task::BuiltinTask>(); }, arguments);
}

}  // namespace

Command train_command() {
  return {.name = "train",
          .operands = "",
          .summary = "train with one replica per rank: mpirun -np N lockstep train",
          .with_table = table_for(table_of_train),
          .run = run_train};
}

}  // namespace lockstep::app

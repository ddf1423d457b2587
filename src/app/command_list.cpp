#include "command_list.hpp"

#include <utility>

namespace lockstep::app {

std::vector<CommandDescription> describe_commands(OptionsOfAllCommands& options) {
  return {{"train", "", "train with one replica a rank: mpirun -np N lockstep train",
           session::train_option_table(options.train, options.task)},
          {"evaluate", "", "test accuracy and loss of saved weights",
           evaluate_option_table(options.evaluate)},
          {"predict", "[FILE...]",
           "what saved weights take images for, from the test set or from files",
           predict_option_table(options.predict)},
          {"bench allreduce", "",
           "time of an all-reduce by size: mpirun -np N lockstep bench allreduce",
           bench_allreduce_option_table(options.bench_allreduce)},
          {"bench step", "", "where a training step's time goes",
           bench_step_option_table(options.bench_step)},
          {"compare", "RUN_A RUN_B", "whether two runs are identical, else where they part",
           compare_option_table(options.compare_as_json)},
          {"report", "DIR...", "tables, plots and a page of runs, or of how training scales",
           report_option_table(options.report)},
          {"doctor", "", "what this machine and launcher are, and what is wrong with them",
           doctor_option_table(options.doctor)},
          {"completion",
           "bash|zsh",
           "a script with which the shell completes commands and options",
           {}},
          {"manual", "", "this manual, for man: lockstep manual | man -l -", {}}};
}

session::Command make_command(const std::string& name, std::string usage,
                              options::OptionTable table) {
  return {.usage = std::move(usage),
          .table = std::move(table),
          .with_scratch_table =
              [name](const auto& use) {
                OptionsOfAllCommands options;
                for (const auto& command : describe_commands(options)) {
                  if (command.name == name) use(command.table);
                }
              },
          .names_elsewhere = names_of_all_commands()};
}

std::vector<std::string> names_of_all_commands() {
  OptionsOfAllCommands options;
  std::vector<std::string> names;
  for (const auto& command : describe_commands(options)) {
    const auto more = option_names(command.table);
    names.insert(names.end(), more.begin(), more.end());
  }
  return names;
}

}  // namespace lockstep::app

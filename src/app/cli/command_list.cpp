#include "cli/command_list.hpp"

#include <utility>

#include "commands/commands.hpp"

namespace lockstep::app {

std::vector<Command> all_commands() {
  return {train_command(),      evaluate_command(), predict_command(), bench_allreduce_command(),
          bench_step_command(), compare_command(),  report_command(),  doctor_command(),
          completion_command(), manual_command()};
}

std::vector<std::string> names_of_all_options() {
  std::vector<std::string> names;
  for (const auto& command : all_commands()) {
    command.with_table([&](const options::OptionTable& table) {
      const auto more = option_names(table);
      names.insert(names.end(), more.begin(), more.end());
    });
  }
  return names;
}

session::Command make_command(const std::string& name, std::string usage,
                              options::OptionTable table) {
  return {.usage = std::move(usage),
          .table = std::move(table),
          .with_scratch_table =
              [name](const TableUser& use) {
                for (const auto& command : all_commands()) {
                  if (command.name == name) command.with_table(use);
                }
              },
          .names_elsewhere = names_of_all_options()};
}

}  // namespace lockstep::app

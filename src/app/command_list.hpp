// All commands and their options, for those who describe or complete them.
#pragma once

#include <string>
#include <vector>

#include <lockstep/app/bench_option_tables.hpp>
#include <lockstep/app/report_option_table.hpp>
#include <lockstep/app/weights_option_tables.hpp>
#include <lockstep/session/command.hpp>
#include <lockstep/session/train_option_table.hpp>

namespace lockstep::app {

/// Something for tables to be bound to.
struct OptionsOfAllCommands {
  train::TrainOptions train;
  task::BuiltinTask task;
  EvaluateOptions evaluate;
  PredictOptions predict;
  BenchAllReduceOptions bench_allreduce;
  BenchStepOptions bench_step;
  bool compare_as_json = false;
  ReportOptions report;
  DoctorOptions doctor;
};

struct CommandDescription {
  std::string name;      ///< "bench step"
  std::string operands;  ///< "RUN_A RUN_B"
  std::string summary;
  options::OptionTable table;
};

/// `options` must outlive the result.
[[nodiscard]] std::vector<CommandDescription> describe_commands(OptionsOfAllCommands& options);

/// The command of that name in the list, with its `table` bound to its own variables.
[[nodiscard]] session::Command make_command(const std::string& name, std::string usage,
                                            options::OptionTable table);

/// All commands' option names.
[[nodiscard]] std::vector<std::string> names_of_all_commands();

}  // namespace lockstep::app

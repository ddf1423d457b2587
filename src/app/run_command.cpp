#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include <lockstep/app/bench_option_tables.hpp>
#include <lockstep/app/commands.hpp>
#include <lockstep/app/option_sources.hpp>
#include <lockstep/app/report_option_table.hpp>
#include <lockstep/app/run_command.hpp>
#include <lockstep/app/train_option_table.hpp>

namespace lockstep::app {
namespace {

/// A variable or a line for one of these is no mistake, whichever command runs.
std::vector<std::string> names_of_all_commands() {
  train::TrainOptions train;
  EvaluateOptions evaluate;
  BenchAllReduceOptions bench_allreduce;
  BenchStepOptions bench_step;
  DoctorOptions doctor;
  ReportOptions report;
  std::vector<std::string> names;
  for (const auto& table :
       {train_option_table(train), evaluate_option_table(evaluate),
        bench_allreduce_option_table(bench_allreduce), bench_step_option_table(bench_step),
        doctor_option_table(doctor), report_option_table(report)}) {
    const auto more = option_names(table);
    names.insert(names.end(), more.begin(), more.end());
  }
  return names;
}

bool takes_a_value(const OptionTable& table, const std::string& argument) {
  for (const auto& group : table) {
    for (const auto& option : group.options) {
      // The value of "--name=value" is there already.
      if (argument == "--" + option.name) return !option.binding.value_name.empty();
    }
  }
  return argument == "--config";
}

/// Options with their values, and the rest.
std::pair<Arguments, Arguments> split_operands(const OptionTable& table,
                                               const Arguments& arguments) {
  Arguments options;
  Arguments operands;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const bool is_option = arguments[i].starts_with("-");
    (is_option ? options : operands).push_back(arguments[i]);
    if (is_option && takes_a_value(table, arguments[i]) && i + 1 < arguments.size()) {
      options.push_back(arguments[++i]);
    }
  }
  return {std::move(options), std::move(operands)};
}

}  // namespace

bool asks_for_help(const Arguments& arguments) {
  return std::any_of(arguments.begin(), arguments.end(), [](const std::string& argument) {
    return argument == "--help" || argument == "-h";
  });
}

int run_command(const char* usage, const OptionTable& table, const Arguments& arguments,
                const std::function<void(Job&)>& work) {
  if (asks_for_help(arguments)) {
    fmt::print("{}{}", usage, help_text(table));
    return 0;
  }
  return run_job([&](Job& job) {
    take_options(job, table, arguments, names_of_all_commands());
    work(job);
  });
}

int run_alone(const char* usage, const OptionTable& table, const Arguments& arguments,
              const std::function<int(const Arguments&)>& work) {
  if (asks_for_help(arguments)) {
    fmt::print("{}{}", usage, help_text(table));
    return 0;
  }
  const Log log(Log::Level::kInfo);
  try {
    const auto [options, operands] = split_operands(table, arguments);
    std::vector<std::string> warnings;
    const auto given =
        collect_options(table, options, process_environment(), names_of_all_commands(), warnings);
    for (const auto& warning : warnings) log.warning(warning);
    apply_options(table, given);
    return work(operands);
  } catch (...) {
    const auto failure = comm::describe_failure(std::current_exception());
    log.error(failure.message);
    return static_cast<int>(failure.code);
  }
}

}  // namespace lockstep::app

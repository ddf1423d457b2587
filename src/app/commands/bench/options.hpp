// The command lines of `bench allreduce` and `bench step`, bound to their structs.
#pragma once

#include <string>

#include <lockstep/benchmark/allreduce.hpp>
#include <lockstep/options/option_table.hpp>
#include <lockstep/task/builtin_task.hpp>
#include <lockstep/train/options.hpp>

namespace lockstep::app {

/// Files for the results; empty: none.
struct ResultFiles {
  std::string json;
  std::string csv;
};

struct BenchAllReduceOptions {
  benchmark::AllReduceOptions sizes;
  train::DistributionOptions distribution;
  ResultFiles files;
};

struct BenchStepOptions {
  std::int64_t steps = 300;
  bool synthetic = true;
  std::string data_dir;
  bool independent = false;  ///< each rank trains alone, at the same time as the others
  train::TrainOptions train;
  task::BuiltinTask task;
  ResultFiles files;
};

/// The options must outlive the tables.
[[nodiscard]] options::OptionTable bench_allreduce_option_table(BenchAllReduceOptions& options);
[[nodiscard]] options::OptionTable bench_step_option_table(BenchStepOptions& options);

}  // namespace lockstep::app

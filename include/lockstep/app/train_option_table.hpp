// The command line of `train` and `evaluate`, bound to their structs.
#pragma once

#include <lockstep/app/option_table.hpp>
#include <lockstep/train/options.hpp>

namespace lockstep::app {

/// Every option of `train`; `options` must outlive the table.
[[nodiscard]] OptionTable train_option_table(train::TrainOptions& options);

/// What decides how a step is computed, and how long it takes; not how many there are.
[[nodiscard]] OptionTable step_option_table(train::TrainOptions& options);

/// What decides how ranks communicate.
[[nodiscard]] OptionGroup communicator_group(train::DistributionOptions& distribution);

/// What `evaluate` takes: a checkpoint, and train's options for data, loss and device.
struct EvaluateOptions {
  std::string checkpoint;
  train::TrainOptions common;
};
[[nodiscard]] OptionTable evaluate_option_table(EvaluateOptions& options);

/// What `doctor` takes: what decides where ranks compute, and how to show what it finds.
struct DoctorOptions {
  std::string data_dir;
  bool json = false;
  train::DistributionOptions distribution;
};
[[nodiscard]] OptionTable doctor_option_table(DoctorOptions& options);

}  // namespace lockstep::app

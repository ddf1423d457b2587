// The command lines of `train` and of commands that share options with it, bound to their structs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <lockstep/app/option_table.hpp>
#include <lockstep/data/picture.hpp>
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

/// Whether pictures are drawn with characters.
enum class Picture : std::uint8_t { kAuto, kOn, kOff };

/// What `predict` takes: weights, and images from the test set or from files.
struct PredictOptions {
  std::string checkpoint;
  std::vector<std::int64_t> index;  ///< of test images
  std::string image;                ///< a file; more may follow as operands
  data::Invert invert = data::Invert::kAuto;
  Picture picture = Picture::kAuto;
  std::string png;  ///< a file for what the network sees; empty: none
  bool json = false;
  train::DataOptions data;
};
[[nodiscard]] OptionTable predict_option_table(PredictOptions& options);

/// What `doctor` takes: what decides where ranks compute, and how to show what it finds.
struct DoctorOptions {
  std::string data_dir;
  bool json = false;
  train::DistributionOptions distribution;
};
[[nodiscard]] OptionTable doctor_option_table(DoctorOptions& options);

}  // namespace lockstep::app

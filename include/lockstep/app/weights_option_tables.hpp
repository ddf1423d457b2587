// The command lines of `evaluate`, `predict` and `doctor`, bound to their structs.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <lockstep/data/picture.hpp>
#include <lockstep/options/option_table.hpp>
#include <lockstep/task/builtin_task.hpp>
#include <lockstep/train/options.hpp>

namespace lockstep::app {

/// What `evaluate` takes: a checkpoint, and train's options for data, loss and device.
struct EvaluateOptions {
  std::string checkpoint;
  task::BuiltinTask task;
  train::TrainOptions common;
};
[[nodiscard]] options::OptionTable evaluate_option_table(EvaluateOptions& options);

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
  task::BuiltinTask task;
};
[[nodiscard]] options::OptionTable predict_option_table(PredictOptions& options);

/// What `doctor` takes: what decides where ranks compute, and how to show what it finds.
struct DoctorOptions {
  std::string data_dir;
  bool json = false;
  train::DistributionOptions distribution;
};
[[nodiscard]] options::OptionTable doctor_option_table(DoctorOptions& options);

}  // namespace lockstep::app

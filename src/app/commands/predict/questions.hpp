// The images that `predict` classifies, from the test set or from files.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <torch/torch.h>

#include <lockstep/base/log.hpp>
#include <lockstep/data/picture.hpp>
#include <lockstep/task/builtin_task.hpp>

namespace lockstep::app {

/// A sample as it goes to the network, and where it is from.
struct Question {
  std::string source;
  std::string changes;                  ///< what was done to it
  torch::Tensor image;                  ///< of the data's shape and type
  bool is_picture = false;              ///< grey, [1, height, width] uint8, and can be drawn
  std::optional<std::int64_t> label{};  ///< of a test sample, if it is a class
  std::string label_name{};
  std::vector<float> target{};  ///< of a test sample, if it is numbers
};

/// The test samples of these numbers, counted from 0, for a network that takes such as `spec`.
/// Throws UsageError for a number that the test set does not have, DataError where it cannot be
/// read or is of other samples.
[[nodiscard]] std::vector<Question> questions_of_test_set(task::BuiltinTask& task,
                                                          const data::SampleSpec& spec,
                                                          const std::vector<std::int64_t>& index);

/// Pictures from files: PNG or PGM for a network of FashionMNIST's images, also JPEG for others.
/// Throws UsageError if the network takes no pictures, DataError for a file.
[[nodiscard]] std::vector<Question> questions_of_files(const std::vector<std::string>& files,
                                                       const data::SampleSpec& spec,
                                                       data::Invert invert, const Log& log);

}  // namespace lockstep::app

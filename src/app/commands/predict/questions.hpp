// The images that `predict` is asked about, from the test set or from files.
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

/// An image as the network sees it, and where it is from.
struct Question {
  std::string source;
  std::string changes;  ///< what was done to it
  torch::Tensor image;  ///< [1, height, width] uint8
  std::optional<std::int64_t> label{};
  std::string label_name{};
};

/// The test samples of these numbers, counted from 0, for a network that takes such as `spec`.
/// Throws UsageError for a number that the test set does not have, DataError where it cannot be
/// read or is of other samples.
[[nodiscard]] std::vector<Question> questions_of_test_set(task::BuiltinTask& task,
                                                          const data::SampleSpec& spec,
                                                          const std::vector<std::int64_t>& index);

/// Pictures from PNG or PGM files. Throws DataError.
[[nodiscard]] std::vector<Question> questions_of_files(const std::vector<std::string>& files,
                                                       data::Invert invert, const Log& log);

}  // namespace lockstep::app

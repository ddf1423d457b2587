// The output of `predict`: a line per image, JSON, and a picture of what the network saw.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>
#include <torch/torch.h>

#include "commands/predict/questions.hpp"

namespace lockstep::app {

/// Whether pictures are drawn with characters.
enum class Drawing : std::uint8_t { kAuto, kOn, kOff };

/// A network's outputs for some questions, one row per question.
struct Answers {
  torch::Tensor outputs;               ///< [questions, …] float32: logits, or numbers
  torch::Tensor probabilities;         ///< of classes, as the logits
  std::vector<std::string> classes{};  ///< empty: the outputs are numbers
};

/// A line per question, with its picture.
[[nodiscard]] std::string answers_text(const std::vector<Question>& questions,
                                       const Answers& answers, Drawing drawing);

/// As docs/options.md describes it.
[[nodiscard]] nlohmann::ordered_json answers_json(const std::vector<Question>& questions,
                                                  const Answers& answers);

/// All images side by side, with pixels large enough to see, as the bytes of a PNG.
[[nodiscard]] std::string questions_png(const std::vector<Question>& questions);

}  // namespace lockstep::app

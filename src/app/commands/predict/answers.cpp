#include "commands/predict/answers.hpp"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <numeric>
#include <span>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <lockstep/base/terminal.hpp>
#include <lockstep/data/picture.hpp>

#include "commands/predict/terminal_picture.hpp"

namespace lockstep::app {
namespace {

/// Class indices, most likely first.
std::vector<std::size_t> by_probability(const torch::Tensor& row) {
  const auto* const probabilities = row.data_ptr<float>();
  std::vector<std::size_t> order(static_cast<std::size_t>(row.numel()));
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return probabilities[a] > probabilities[b];
  });
  return order;
}

/// A class in a sentence: "Ankle boot", or "class 9" if it has no name.
std::string spoken(const std::string& name) {
  return std::isdigit(static_cast<unsigned char>(name.front())) != 0 ? "class " + name : name;
}

/// "Ankle boot 97.3 %, Sneaker 2.1 %, Sandal 0.4 %".
std::string answer_text(const torch::Tensor& row, const std::vector<std::string>& classes) {
  constexpr std::size_t kNamed = 3;
  std::string text;
  const auto order = by_probability(row);
  for (std::size_t i = 0; i < std::min(kNamed, order.size()); ++i) {
    text += fmt::format("{}{} {:.1f} %", i == 0 ? "" : ", ", spoken(classes.at(order[i])),
                        100.0 * static_cast<double>(row.data_ptr<float>()[order[i]]));
  }
  return text;
}

std::string picture_text(const Question& question, Drawing wanted) {
  const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  if (wanted == Drawing::kOff || (wanted == Drawing::kAuto && !terminal)) return {};
  if (!question.is_picture) return {};
  const std::span<const std::uint8_t> grey(question.image.data_ptr<std::uint8_t>(),
                                           static_cast<std::size_t>(question.image.numel()));
  return terminal && terminal_kind().find("256color") != std::string::npos
             ? picture_in_blocks(grey, question.image.size(-1))
             : picture_in_letters(grey, question.image.size(-1));
}

std::vector<float> numbers_of(const torch::Tensor& row) {
  return {row.data_ptr<float>(), row.data_ptr<float>() + row.numel()};
}

nlohmann::ordered_json class_json(const Question& question, const Answers& answers,
                                  std::int64_t index) {
  const auto row = answers.probabilities[index];
  const auto best = by_probability(row).front();
  return {{"source", question.source},
          {"class", best},
          {"name", answers.classes.at(best)},
          {"confidence", row.data_ptr<float>()[best]},
          {"label", question.label ? nlohmann::json(*question.label) : nullptr},
          {"changes", question.changes},
          {"probabilities", numbers_of(row)},
          {"logits", numbers_of(answers.outputs[index])}};
}

nlohmann::ordered_json numbers_json(const Question& question, const Answers& answers,
                                    std::int64_t index) {
  return {{"source", question.source},
          {"numbers", numbers_of(answers.outputs[index])},
          {"target", question.target}};
}

}  // namespace

std::string answers_text(const std::vector<Question>& questions, const Answers& answers,
                         Drawing drawing) {
  std::string text;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const auto& question = questions[i];
    const auto index = static_cast<std::int64_t>(i);
    if (answers.classes.empty()) {
      text += fmt::format("{}: {:.6g}; target: {:.6g}\n", question.source,
                          fmt::join(numbers_of(answers.outputs[index]), ", "),
                          fmt::join(question.target, ", "));
      continue;
    }
    text += fmt::format("{}: {}", question.source,
                        answer_text(answers.probabilities[index], answers.classes));
    if (question.label) text += fmt::format("; label: {}", spoken(question.label_name));
    if (!question.changes.empty()) text += fmt::format(" ({})", question.changes);
    text += '\n';
    text += picture_text(question, drawing);
  }
  return text;
}

nlohmann::ordered_json answers_json(const std::vector<Question>& questions,
                                    const Answers& answers) {
  auto all = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const auto index = static_cast<std::int64_t>(i);
    all.push_back(answers.classes.empty() ? numbers_json(questions[i], answers, index)
                                          : class_json(questions[i], answers, index));
  }
  return {{"schema", 1}, {"predictions", all}};
}

std::string questions_png(const std::vector<Question>& questions) {
  constexpr std::int64_t kEnlargement = 8;
  std::vector<torch::Tensor> images;
  for (const auto& question : questions) {
    images.push_back(
        question.image[0].repeat_interleave(kEnlargement, 0).repeat_interleave(kEnlargement, 1));
  }
  return data::png_of(data::picture_of(torch::cat(images, 1)));
}

}  // namespace lockstep::app

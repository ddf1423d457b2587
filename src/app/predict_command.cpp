#include <unistd.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <torch/torch.h>

#include <lockstep/app/commands.hpp>
#include <lockstep/app/run_command.hpp>
#include <lockstep/app/train_option_table.hpp>
#include <lockstep/base/error.hpp>
#include <lockstep/base/file.hpp>
#include <lockstep/base/terminal.hpp>
#include <lockstep/data/fashion_mnist.hpp>
#include <lockstep/data/picture.hpp>
#include <lockstep/model/safetensors.hpp>
#include <lockstep/train/node_dataset.hpp>

#include "terminal_picture.hpp"

namespace lockstep::app {
namespace {

constexpr const char* kPredictUsage =
    "Usage: lockstep predict --checkpoint FILE --index N,N,… | --image FILE [FILE...] [options]\n\n"
    "What the network takes images for: images of the test set by their number, or pictures from\n"
    "PNG or PGM files of any size. Needs no launcher.\n\n";

/// An image as the network sees it, and where it is from.
struct Question {
  std::string source;
  std::string changes;  ///< what was done to it
  torch::Tensor image;  ///< [784] uint8
  std::optional<std::int64_t> label;
};

std::vector<Question> test_images(const PredictOptions& options) {
  const auto source = train::open_dataset(options.data);
  const auto shape = source->shape();
  std::vector<std::byte> block(shape.block_bytes());
  for (const auto part : {data::Part::kTestImages, data::Part::kTestLabels}) {
    source->fill(part, shape.part(part, block));
  }
  const auto test = shape.test(block);
  std::vector<Question> questions;
  for (const auto index : options.index) {
    if (index >= test.size()) {
      throw UsageError(
          fmt::format("--index {}: the test set has images 0 to {}", index, test.size() - 1));
    }
    questions.push_back({fmt::format("test image {}", index), "", test.images[index].clone(),
                         test.labels[index].item<std::int64_t>()});
  }
  return questions;
}

std::vector<Question> questions_of(const PredictOptions& options, const Arguments& files) {
  std::vector<Question> questions;
  if (!options.index.empty()) questions = test_images(options);
  for (const auto& file : files) {
    auto fitted = data::fit_to_network(data::read_picture(file), options.invert);
    questions.push_back({file, fitted.changes, fitted.image, std::nullopt});
  }
  return questions;
}

/// Class, most likely first.
std::vector<std::size_t> by_probability(const float* probabilities) {
  std::vector<std::size_t> order(data::kClassNames.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return probabilities[a] > probabilities[b];
  });
  return order;
}

/// "Ankle boot 97.3 %, Sneaker 2.1 %, Sandal 0.4 %".
std::string answer_text(const float* probabilities) {
  constexpr std::size_t kNamed = 3;
  std::string text;
  const auto order = by_probability(probabilities);
  for (std::size_t i = 0; i < kNamed; ++i) {
    text += fmt::format("{}{} {:.1f} %", i == 0 ? "" : ", ", data::kClassNames.at(order[i]),
                        100.0 * static_cast<double>(probabilities[order[i]]));
  }
  return text;
}

std::string picture_text(const Question& question, Picture wanted) {
  const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  if (wanted == Picture::kOff || (wanted == Picture::kAuto && !terminal)) return {};
  const std::span<const std::uint8_t> grey(question.image.data_ptr<std::uint8_t>(),
                                           static_cast<std::size_t>(data::kImagePixels));
  return terminal && terminal_kind().find("256color") != std::string::npos
             ? picture_in_blocks(grey, data::kImageSide)
             : picture_in_letters(grey, data::kImageSide);
}

void print_answers(const std::vector<Question>& questions, const torch::Tensor& probabilities,
                   Picture picture) {
  std::string text;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const auto& question = questions[i];
    const auto row = probabilities[static_cast<std::int64_t>(i)];
    text += fmt::format("{}: {}", question.source, answer_text(row.data_ptr<float>()));
    if (question.label) {
      text += fmt::format("; label: {}",
                          data::kClassNames.at(static_cast<std::size_t>(*question.label)));
    }
    if (!question.changes.empty()) text += fmt::format(" ({})", question.changes);
    text += '\n';
    text += picture_text(question, picture);
  }
  write_standard_output(text);
}

nlohmann::ordered_json numbers_of(const torch::Tensor& row) {
  return std::vector<float>(row.data_ptr<float>(), row.data_ptr<float>() + row.numel());
}

void print_json(const std::vector<Question>& questions, const torch::Tensor& logits,
                const torch::Tensor& probabilities) {
  auto all = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const auto& question = questions[i];
    const auto row = probabilities[static_cast<std::int64_t>(i)];
    const auto best = by_probability(row.data_ptr<float>()).front();
    all.push_back({{"source", question.source},
                   {"class", best},
                   {"name", data::kClassNames.at(best)},
                   {"confidence", row.data_ptr<float>()[best]},
                   {"label", question.label ? nlohmann::json(*question.label) : nullptr},
                   {"changes", question.changes},
                   {"probabilities", numbers_of(row)},
                   {"logits", numbers_of(logits[static_cast<std::int64_t>(i)])}});
  }
  const nlohmann::ordered_json result = {{"schema", 1}, {"predictions", all}};
  const auto text =
      result.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  write_standard_output(text);
}

/// All images side by side, each pixel as a square that can be seen.
void write_png(const std::vector<Question>& questions, const std::string& path) {
  constexpr std::int64_t kEnlargement = 8;
  std::vector<torch::Tensor> images;
  for (const auto& question : questions) {
    images.push_back(question.image.reshape({data::kImageSide, data::kImageSide})
                         .repeat_interleave(kEnlargement, 0)
                         .repeat_interleave(kEnlargement, 1));
  }
  write_file_atomically(path, data::png_of(data::picture_of(torch::cat(images, 1))));
}

int predict(const PredictOptions& options, const Arguments& operands) {
  if (options.checkpoint.empty()) {
    throw UsageError("--checkpoint FILE is missing: which weights?");
  }
  auto files = operands;
  if (!options.image.empty()) files.insert(files.begin(), options.image);
  if (files.empty() && options.index.empty()) {
    throw UsageError("of what? --index N,N,… names images of the test set, --image FILE a picture");
  }
  constexpr std::size_t kMostImages = 1000;
  if (files.size() + options.index.size() > kMostImages) {
    throw UsageError(fmt::format("at most {} images at once", kMostImages));
  }
  auto network = model::read_neural_network(options.checkpoint, data::kImagePixels, data::kClasses);
  const auto questions = questions_of(options, files);

  const torch::NoGradGuard no_gradients;
  network->eval();
  std::vector<torch::Tensor> images;
  for (const auto& question : questions) images.push_back(question.image);
  const auto logits = network->forward(torch::stack(images).to(torch::kFloat32) / 255);
  const auto probabilities = logits.softmax(1).contiguous();
  if (!options.png.empty()) write_png(questions, options.png);
  if (options.json) {
    print_json(questions, logits.contiguous(), probabilities);
  } else {
    print_answers(questions, probabilities, options.picture);
  }
  return 0;
}

}  // namespace

int predict_command(const Arguments& arguments) {
  PredictOptions options;
  return run_alone(kPredictUsage, predict_option_table(options), arguments,
                   [&](const Arguments& operands) { return predict(options, operands); });
}

}  // namespace lockstep::app

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <torch/torch.h>

#include <lockstep/app/commands.hpp>
#include <lockstep/app/weights_option_tables.hpp>
#include <lockstep/base/error.hpp>
#include <lockstep/base/file.hpp>
#include <lockstep/base/log.hpp>
#include <lockstep/base/result_file.hpp>
#include <lockstep/base/terminal.hpp>
#include <lockstep/data/fashion_mnist.hpp>
#include <lockstep/data/picture.hpp>
#include <lockstep/session/command.hpp>
#include <lockstep/train/checkpoint.hpp>
#include <lockstep/train/node_dataset.hpp>

#include "command_list.hpp"
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
  torch::Tensor image;  ///< [1, height, width] uint8
  std::optional<std::int64_t> label{};
  std::string label_name{};
};

/// What the network's outputs stand for: FashionMNIST's classes, unless it was trained on other
/// data. Of weights that do not name their data, nothing else is known.
std::vector<std::string> classes_of(const model::Weights& weights) {
  const auto entry = weights.metadata.find(train::kDatasetEntry);
  if (entry == weights.metadata.end()) return data::class_names(true);
  const auto digests = nlohmann::json::parse(entry->second, nullptr, false);
  try {
    return data::class_names(data::are_published(digests.get<data::DatasetDigests>()));
  } catch (const nlohmann::json::exception&) {
    throw DataError(fmt::format("{}: its metadata '{}' are not digests by part",
                                weights.path.string(), train::kDatasetEntry));
  }
}

std::vector<Question> test_images(PredictOptions& options) {
  const auto source = options.task.open_data();
  const auto shape = source->shape();
  std::vector<std::byte> block(shape.block_bytes());
  bool as_published = !options.task.uses_synthetic_data();
  for (const auto part : {data::Part::kTestImages, data::Part::kTestLabels}) {
    const auto bytes = shape.part(part, block);
    source->fill(part, bytes);
    as_published = as_published && data::is_as_published(part, bytes);
  }
  const auto names = data::class_names(as_published);
  const auto test = shape.test(block);
  std::vector<Question> questions;
  for (const auto index : options.index) {
    if (index >= test.size()) {
      throw UsageError(
          fmt::format("--index {}: the test set has images 0 to {}", index, test.size() - 1));
    }
    const auto label = test.targets[index].item<std::int64_t>();
    questions.push_back({fmt::format("test image {}", index), "", test.inputs[index].clone(), label,
                         names.at(static_cast<std::size_t>(label))});
  }
  return questions;
}

std::vector<Question> questions_of(PredictOptions& options, const Arguments& files,
                                   const Log& log) {
  std::vector<Question> questions;
  if (!options.index.empty()) questions = test_images(options);
  for (const auto& file : files) {
    const auto picture = data::read_picture(file);
    if (data::is_empty(picture)) {
      log.warning(fmt::format("{}: the picture is empty: all of it has one colour", file));
    }
    auto fitted = data::fit_to_network(picture, options.invert);
    questions.push_back({file, fitted.changes, fitted.image});
  }
  return questions;
}

/// Class, most likely first.
std::vector<std::size_t> by_probability(const torch::Tensor& row) {
  const auto* const probabilities = row.data_ptr<float>();
  std::vector<std::size_t> order(static_cast<std::size_t>(row.numel()));
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return probabilities[a] > probabilities[b];
  });
  return order;
}

/// A class in a sentence: "Ankle boot", or "class 9" where it has no name.
std::string spoken(const std::string& name) {
  return std::isdigit(static_cast<unsigned char>(name.front())) != 0 ? "class " + name : name;
}

/// "Ankle boot 97.3 %, Sneaker 2.1 %, Sandal 0.4 %".
std::string answer_text(const torch::Tensor& row, const std::vector<std::string>& classes) {
  constexpr std::size_t kNamed = 3;
  std::string text;
  const auto order = by_probability(row);
  for (std::size_t i = 0; i < kNamed; ++i) {
    text += fmt::format("{}{} {:.1f} %", i == 0 ? "" : ", ", spoken(classes.at(order[i])),
                        100.0 * static_cast<double>(row.data_ptr<float>()[order[i]]));
  }
  return text;
}

std::string picture_text(const Question& question, Picture wanted) {
  const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  if (wanted == Picture::kOff || (wanted == Picture::kAuto && !terminal)) return {};
  const std::span<const std::uint8_t> grey(question.image.data_ptr<std::uint8_t>(),
                                           static_cast<std::size_t>(question.image.numel()));
  return terminal && terminal_kind().find("256color") != std::string::npos
             ? picture_in_blocks(grey, question.image.size(-1))
             : picture_in_letters(grey, question.image.size(-1));
}

void print_answers(const std::vector<Question>& questions, const torch::Tensor& probabilities,
                   const std::vector<std::string>& classes, Picture picture) {
  std::string text;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const auto& question = questions[i];
    const auto row = probabilities[static_cast<std::int64_t>(i)];
    text += fmt::format("{}: {}", question.source, answer_text(row, classes));
    if (question.label) text += fmt::format("; label: {}", spoken(question.label_name));
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
                const torch::Tensor& probabilities, const std::vector<std::string>& classes) {
  auto all = nlohmann::ordered_json::array();
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const auto& question = questions[i];
    const auto row = probabilities[static_cast<std::int64_t>(i)];
    const auto best = by_probability(row).front();
    all.push_back({{"source", question.source},
                   {"class", best},
                   {"name", classes.at(best)},
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
    images.push_back(
        question.image[0].repeat_interleave(kEnlargement, 0).repeat_interleave(kEnlargement, 1));
  }
  write_result_file(path, data::png_of(data::picture_of(torch::cat(images, 1))));
}

/// Finite weights can be so large that their products are not.
void require_finite(const torch::Tensor& logits, const std::vector<Question>& questions,
                    const std::string& checkpoint) {
  for (std::size_t i = 0; i < questions.size(); ++i) {
    if (logits[static_cast<std::int64_t>(i)].isfinite().all().item<bool>()) continue;
    throw DataError(
        fmt::format("{}: with these weights the outputs for {} overflow: they give no answer",
                    checkpoint, questions[i].source));
  }
}

int predict(PredictOptions& options, const Arguments& operands) {
  if (options.checkpoint.empty()) {
    throw UsageError("--checkpoint FILE is missing: which weights?");
  }
  auto files = operands;
  if (!options.image.empty()) files.insert(files.begin(), options.image);
  if (files.empty() && options.index.empty()) {
    throw UsageError("of what? --index N,N,… names images of the test set, --image FILE a picture");
  }
  constexpr std::size_t kMaxImages = 1000;
  if (files.size() + options.index.size() > kMaxImages) {
    throw UsageError(fmt::format("at most {} images at once", kMaxImages));
  }
  require_writable_result("--png", options.png);
  const Log log(Log::Level::kInfo);
  const auto weights = model::read_weights(options.checkpoint);
  const auto spec = options.task.sample_spec();
  task::configure_for(options.task, weights);
  const auto network = options.task.make_network(spec);
  model::load_state(*network, weights.tensors, weights.path);
  for (const auto& note : weights.notes) log.info(note);
  const auto classes = classes_of(weights);
  const auto questions = questions_of(options, files, log);

  const torch::NoGradGuard no_gradients;
  network->eval();
  std::vector<torch::Tensor> images;
  for (const auto& question : questions) images.push_back(question.image);
  const auto logits =
      network->forward(torch::stack(images).to(torch::kFloat32) / spec.input.divisor);
  require_finite(logits, questions, options.checkpoint);
  const auto probabilities = logits.softmax(1).contiguous();
  if (!options.png.empty()) write_png(questions, options.png);
  if (options.json) {
    print_json(questions, logits.contiguous(), probabilities, classes);
  } else {
    print_answers(questions, probabilities, classes, options.picture);
  }
  return 0;
}

}  // namespace

int predict_command(const Arguments& arguments) {
  PredictOptions options;
  return session::run_alone(make_command("predict", kPredictUsage, predict_option_table(options)),
                            arguments,
                            [&](const Arguments& operands) { return predict(options, operands); });
}

}  // namespace lockstep::app

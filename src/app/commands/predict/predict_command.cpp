#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <torch/torch.h>

#include <lockstep/base/error.hpp>
#include <lockstep/base/file.hpp>
#include <lockstep/base/json_text.hpp>
#include <lockstep/base/log.hpp>
#include <lockstep/base/result_file.hpp>
#include <lockstep/data/batch_gatherer.hpp>
#include <lockstep/data/fashion_mnist.hpp>
#include <lockstep/data/spec_json.hpp>
#include <lockstep/options/bindings.hpp>
#include <lockstep/session/shared_options.hpp>
#include <lockstep/train/checkpoint.hpp>

#include "cli/checkpoint_option.hpp"
#include "cli/command_list.hpp"
#include "commands/commands.hpp"
#include "commands/predict/answers.hpp"

namespace lockstep::app {
namespace {

using options::auto_on_off;
using options::flag;
using options::integers;
using options::path;

/// Weights, and images from the test set or from files.
struct PredictOptions {
  std::string checkpoint;
  std::vector<std::int64_t> index;  ///< of test images
  std::string image;                ///< a file; more may follow as operands
  data::Invert invert = data::Invert::kAuto;
  Drawing drawing = Drawing::kAuto;
  std::string png;  ///< a file for what the network sees; empty: none
  bool json = false;
  task::BuiltinTask task;
};

options::OptionTable predict_option_table(PredictOptions& options) {
  constexpr std::int64_t kMaxIndex = (std::int64_t{1} << 31U) - 1;
  return {session::joined_group(
      "Prediction",
      {checkpoint_option(options.checkpoint),
       options.task.moved_model_option(),
       {"index", "numbers of test images, from 0", integers(options.index, 0, kMaxIndex)},
       {"image", "a picture, PNG, PGM or (not for FashionMNIST) JPEG; more may follow",
        path(options.image, "FILE")},
       {"invert", "swap bright and dark (default auto: if a picture's border is bright)",
        auto_on_off(options.invert)},
       {"picture", "draw what the network sees (default auto: on a terminal)",
        auto_on_off(options.drawing)},
       {"png", "write what the network sees, enlarged, as a PNG", path(options.png, "FILE")},
       {"json", "print everything as JSON, including logits", flag(options.json)}},
      options.task.data_options())};
}

constexpr const char* kPredictUsage =
    "Usage: lockstep predict --checkpoint FILE --index N,N,… | --image FILE [FILE...] [options]\n\n"
    "Classifies images: images of the test set by their number, or pictures from files of any\n"
    "size. Needs no launcher.\n\n";

/// What the weights were trained on. Of files that do not say it, FashionMNIST's samples; their
/// names of classes count unless the file names other data.
data::SampleSpec samples_of(const model::Weights& weights) {
  if (auto spec = task::samples_of(weights)) return *std::move(spec);
  auto spec = data::fashion_mnist_spec();
  const auto entry = weights.metadata.find(train::kDatasetEntry);
  if (entry == weights.metadata.end()) return spec;
  const auto digests = nlohmann::json::parse(entry->second, nullptr, false);
  try {
    const bool published = data::are_published(digests.get<data::DatasetDigests>());
    std::get<data::ClassTarget>(spec.target).names = data::class_names(spec, published);
    return spec;
  } catch (const nlohmann::json::exception&) {
    throw DataError(fmt::format("{}: its metadata '{}' are not digests by part",
                                weights.path.string(), train::kDatasetEntry));
  }
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

std::vector<Question> questions_of(PredictOptions& options, const data::SampleSpec& spec,
                                   const Arguments& operands, const Log& log) {
  auto files = operands;
  if (!options.image.empty()) files.insert(files.begin(), options.image);
  if (files.empty() && options.index.empty()) {
    throw UsageError(
        "which images? --index N,N,… names images of the test set, --image FILE a picture");
  }
  constexpr std::size_t kMaxImages = 1000;
  if (files.size() + options.index.size() > kMaxImages) {
    throw UsageError(fmt::format("at most {} images at once", kMaxImages));
  }
  std::vector<Question> questions;
  if (!options.index.empty()) questions = questions_of_test_set(options.task, spec, options.index);
  for (auto& question : questions_of_files(files, spec, options.invert, log)) {
    questions.push_back(std::move(question));
  }
  return questions;
}

model::NetworkPtr load_network(PredictOptions& options, const model::Weights& weights,
                               const data::SampleSpec& spec, const Log& log) {
  task::configure_for(options.task, weights, spec);
  options.task.read_files(task::read_network_file);
  auto network = options.task.make_network(spec);
  for (const auto& note : model::load_weights(*network, weights)) log.info(note);
  network->eval();
  return network;
}

Answers ask(model::Network& network, const std::vector<Question>& questions,
            const data::SampleSpec& spec) {
  const torch::NoGradGuard no_gradients;
  std::vector<torch::Tensor> images;
  for (const auto& question : questions) images.push_back(question.image);
  const auto count = static_cast<std::int64_t>(images.size());
  auto targets = spec.target_shape();
  targets.insert(targets.begin(), count);
  const data::Dataset dataset = {spec, torch::stack(images),
                                 torch::zeros(targets, spec.target_type())};
  data::BatchGatherer gatherer(dataset, count);
  const auto order = dataset.indices();
  gatherer.set_order(order);
  const auto batch = gatherer.gather({.first = 0, .count = count});
  const auto outputs = network.forward(batch.inputs).contiguous();
  auto classes = data::class_names(spec);
  return {.outputs = outputs,
          .probabilities = classes.empty() ? torch::Tensor() : outputs.softmax(1).contiguous(),
          .classes = std::move(classes)};
}

int predict(PredictOptions& options, const Arguments& operands) {
  require_checkpoint(options.checkpoint);
  require_writable_result("--png", options.png);
  const Log log(Log::Level::kInfo);
  const auto weights = model::read_weights(options.checkpoint);
  const auto spec = samples_of(weights);
  if (!options.png.empty() && !spec.input.is_picture()) {
    throw UsageError(
        fmt::format("--png is for grey images, and this network is for {}", data::describe(spec)));
  }
  const auto network = load_network(options, weights, spec, log);
  const auto questions = questions_of(options, spec, operands, log);
  const auto answers = ask(*network, questions, spec);
  require_finite(answers.outputs, questions, options.checkpoint);
  if (!options.png.empty()) write_result_file(options.png, questions_png(questions));
  write_standard_output(options.json ? json_document(answers_json(questions, answers))
                                     : answers_text(questions, answers, options.drawing));
  return 0;
}

int run_predict(const Arguments& arguments) {
  PredictOptions options;
  return session::run_alone(make_command("predict", kPredictUsage, predict_option_table(options)),
                            arguments,
                            [&](const Arguments& operands) { return predict(options, operands); });
}

}  // namespace

Command predict_command() {
  return {.name = "predict",
          .operands = "[FILE...]",
          .summary = "classify images of the test set or from files with saved weights",
          .with_table = table_for(predict_option_table),
          .run = run_predict};
}

}  // namespace lockstep::app

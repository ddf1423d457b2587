#include "commands/predict/questions.hpp"

#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/data/fashion_mnist.hpp>

namespace lockstep::app {

std::vector<Question> questions_of_test_set(task::BuiltinTask& task,
                                            const std::vector<std::int64_t>& index) {
  const auto source = task.open_data();
  const auto shape = source->shape();
  std::vector<std::byte> block(shape.block_bytes());
  bool as_published = !task.uses_synthetic_data();
  for (const auto part : {data::Part::kTestImages, data::Part::kTestLabels}) {
    const auto bytes = shape.part(part, block);
    source->fill(part, bytes);
    as_published = as_published && data::is_as_published(part, bytes);
  }
  const auto names = data::class_names(as_published);
  const auto test = shape.test(block);
  std::vector<Question> questions;
  for (const auto number : index) {
    if (number >= test.size()) {
      throw UsageError(
          fmt::format("--index {}: the test set has images 0 to {}", number, test.size() - 1));
    }
    const auto label = test.targets[number].item<std::int64_t>();
    questions.push_back({fmt::format("test image {}", number), "", test.inputs[number].clone(), label,
                         names.at(static_cast<std::size_t>(label))});
  }
  return questions;
}

std::vector<Question> questions_of_files(const std::vector<std::string>& files,
                                         data::Invert invert, const Log& log) {
  std::vector<Question> questions;
  for (const auto& file : files) {
    const auto picture = data::read_picture(file);
    if (data::is_empty(picture)) {
      log.warning(fmt::format("{}: the picture is empty: all of it has one colour", file));
    }
    auto fitted = data::fit_to_network(picture, invert);
    questions.push_back({file, fitted.changes, fitted.image});
  }
  return questions;
}

}  // namespace lockstep::app

#include "commands/predict/questions.hpp"

#include <utility>

#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/base/sha256.hpp>
#include <lockstep/data/normalization.hpp>
#include <lockstep/data/spec_json.hpp>

namespace lockstep::app {

std::vector<Question> questions_of_test_set(task::BuiltinTask& task, const data::SampleSpec& spec,
                                            const std::vector<std::int64_t>& index) {
  const auto source = task.open_data();
  const auto shape = source->shape();
  auto here = shape.spec();
  here.input = data::normalized_as(here.input, spec.input);
  if (data::to_json(here).at("input") != data::to_json(spec).at("input") ||
      here.outputs() != spec.outputs()) {
    throw DataError(fmt::format("these data have {}, and the network is for {}",
                                data::describe(shape.spec()), data::describe(spec)));
  }
  std::vector<std::byte> block(shape.block_bytes());
  const auto known = source->known();
  bool is_known = true;
  for (const auto part : {data::Part::kTestImages, data::Part::kTestLabels}) {
    const auto bytes = shape.part(part, block);
    source->fill(part, bytes);
    is_known = is_known && (!known || known->digests.at(data::part_name(part)) == sha256_of(bytes));
  }
  const auto names = data::class_names(shape.spec(), is_known);
  const auto test = shape.test(block);
  std::vector<Question> questions;
  for (const auto number : index) {
    if (number >= test.size()) {
      throw UsageError(
          fmt::format("--index {}: the test set has images 0 to {}", number, test.size() - 1));
    }
    Question question{.source = fmt::format("test image {}", number),
                      .changes = "",
                      .image = test.inputs[number].clone(),
                      .is_picture = spec.input.is_picture()};
    const auto target = test.targets[number];
    if (names.empty()) {
      const auto numbers = target.contiguous();
      question.target.assign(numbers.data_ptr<float>(),
                             numbers.data_ptr<float>() + numbers.numel());
    } else {
      question.label = target.item<std::int64_t>();
      question.label_name = names.at(static_cast<std::size_t>(*question.label));
    }
    questions.push_back(std::move(question));
  }
  return questions;
}

std::vector<Question> questions_of_files(const std::vector<std::string>& files, data::Invert invert,
                                         const Log& log) {
  std::vector<Question> questions;
  for (const auto& file : files) {
    const auto picture = data::read_picture(file);
    if (data::is_empty(picture)) {
      log.warning(fmt::format("{}: the picture is empty: all of it has one colour", file));
    }
    auto fitted = data::fit_to_network(picture, invert);
    questions.push_back(
        {.source = file, .changes = fitted.changes, .image = fitted.image, .is_picture = true});
  }
  return questions;
}

}  // namespace lockstep::app

#include "commands/predict/questions.hpp"

#include <cstddef>
#include <span>
#include <utility>

#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/base/sha256.hpp>
#include <lockstep/data/fashion_mnist.hpp>
#include <lockstep/data/mapped_file.hpp>
#include <lockstep/data/normalization.hpp>
#include <lockstep/data/spec_json.hpp>

namespace lockstep::app {
namespace {

/// The test part of a data set: in memory, but for inputs that lie in a file as they are.
class TestSet {
 public:
  TestSet(data::DatasetSource& source, const data::DatasetShape& shape) : shape_(shape) {
    const auto known = source.known();
    for (const auto part : {data::Part::kTestImages, data::Part::kTestLabels}) {
      auto& bytes = parts_.at(static_cast<std::size_t>(part));
      bytes = read(source, part);
      if (known && known->digests.at(data::part_name(part)) != sha256_of(bytes)) is_known_ = false;
    }
  }
  [[nodiscard]] data::Dataset samples() const { return shape_.test(parts_); }
  /// Whether the data set is the one that its source takes it for.
  [[nodiscard]] bool is_known() const { return is_known_; }

 private:
  std::span<const std::byte> read(data::DatasetSource& source, data::Part part) {
    const auto bytes = shape_.part_bytes(part);
    if (const auto file = source.in_file(part)) {
      mapped_.emplace_back(file->path, file->offset, bytes);
      return mapped_.back().bytes();
    }
    auto& memory = filled_.emplace_back(bytes);
    source.fill(part, memory);
    return memory;
  }

  const data::DatasetShape& shape_;
  std::vector<data::MappedFile> mapped_;
  std::vector<std::vector<std::byte>> filled_;
  data::PartBytes parts_;
  bool is_known_ = true;
};

/// True if all of an image [channels, …] has one colour.
bool is_one_colour(const torch::Tensor& image) {
  const auto planes = image.flatten(1);
  return planes.eq(planes.narrow(1, 0, 1)).all().item<bool>();
}

struct ReadPicture {
  data::FittedPicture fitted;
  bool is_empty = false;
};

ReadPicture read_for_network(const std::string& file, const data::SampleSpec& spec,
                             data::Invert invert) {
  if (spec.input.shape == data::fashion_mnist_spec().input.shape) {
    const auto picture = data::read_picture(file);
    return {data::fit_to_network(picture, invert), data::is_empty(picture)};
  }
  auto fitted = data::read_picture_for(spec.input, file, invert);
  const bool is_empty = is_one_colour(fitted.image);
  return {std::move(fitted), is_empty};
}

}  // namespace

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
  const TestSet test_set(*source, shape);
  const auto names = data::class_names(shape.spec(), test_set.is_known());
  const auto test = test_set.samples();
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

std::vector<Question> questions_of_files(const std::vector<std::string>& files,
                                         const data::SampleSpec& spec, data::Invert invert,
                                         const Log& log) {
  if (!files.empty() && !data::takes_pictures(spec.input)) {
    throw UsageError(
        fmt::format("pictures are for networks that take images of 1 or 3 channels of bytes, and "
                    "this one is for {}",
                    data::describe(spec)));
  }
  std::vector<Question> questions;
  for (const auto& file : files) {
    const auto [fitted, is_empty] = read_for_network(file, spec, invert);
    if (is_empty) {
      log.warning(fmt::format("{}: the picture is empty: all of it has one colour", file));
    }
    questions.push_back({.source = file,
                         .changes = fitted.changes,
                         .image = fitted.image,
                         .is_picture = spec.input.is_picture()});
  }
  return questions;
}

}  // namespace lockstep::app

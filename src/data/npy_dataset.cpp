#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <lockstep/base/error.hpp>
#include <lockstep/data/npy_dataset.hpp>

#include "npy_file.hpp"

namespace lockstep::data {
namespace {

namespace fs = std::filesystem;

constexpr std::array kNames = {"train_inputs.npy", "train_targets.npy", "test_inputs.npy",
                               "test_targets.npy"};
constexpr std::int64_t kMaxClasses = std::int64_t{1} << 20U;
constexpr std::size_t kTargetsAtOnce = std::size_t{1} << 16U;
constexpr double kLargestByte = 255;

bool is_inputs(Part part) {
  return part == Part::kTrainImages || part == Part::kTestImages;
}

NpyFile open_array(const fs::path& folder, Part part) {
  const auto path = folder / kNames.at(static_cast<std::size_t>(part));
  std::error_code ignored;
  if (!fs::exists(path, ignored)) {
    throw DataError(
        fmt::format("{} is missing: {} are wanted", path.string(), fmt::join(kNames, ", ")));
  }
  return NpyFile(path);
}

[[noreturn]] void refuse(const NpyFile& file, const std::string& why) {
  throw DataError(fmt::format("{}: {}", file.path().string(), why));
}

std::string text_of(const std::vector<std::int64_t>& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

std::int64_t samples_of(const NpyFile& inputs, const NpyFile& targets) {
  if (inputs.shape().size() < 2) {
    refuse(inputs, fmt::format("inputs need a first dimension of samples and one more, and their "
                               "shape is {}",
                               text_of(inputs.shape())));
  }
  if (targets.shape().empty())
    refuse(targets, "a single number, where one for each sample is wanted");
  const auto samples = inputs.shape().front();
  if (samples != targets.shape().front()) {
    throw DataError(fmt::format(
        "{} has {} inputs but {} has {} targets: they do not belong together",
        inputs.path().string(), samples, targets.path().string(), targets.shape().front()));
  }
  if (inputs.bytes() == 0) refuse(inputs, "it is empty");
  if (targets.bytes() == 0) refuse(targets, "it is empty");
  return samples;
}

void require_alike(const NpyFile& train, const NpyFile& test) {
  const auto of_sample = [](const NpyFile& file) {
    return std::vector<std::int64_t>(file.shape().begin() + 1, file.shape().end());
  };
  if (train.type() == test.type() && of_sample(train) == of_sample(test)) return;
  throw DataError(
      fmt::format("{} has {} {}, and {} {} {}: they differ in more than the number of "
                  "samples",
                  train.path().string(), torch::toString(train.type()), text_of(train.shape()),
                  test.path().string(), torch::toString(test.type()), text_of(test.shape())));
}

InputSpec input_spec(const NpyFile& file) {
  const bool integers = torch::isIntegralType(file.type(), false);
  const bool bytes = file.type() == torch::kUInt8;
  return {.shape = {file.shape().begin() + 1, file.shape().end()},
          .element_type = file.type(),
          .stays_integer = integers && !bytes,
          .divisor = bytes ? kLargestByte : 1};
}

/// Calls `use(first, numbers)` with all elements, some at a time.
template <typename Use>
void for_all_in(const NpyFile& file, Use use) {
  const auto size = torch::elementSize(file.type());
  std::vector<std::byte> some(kTargetsAtOnce * size);
  for (std::size_t offset = 0; offset < file.bytes();) {
    const auto bytes = std::min(some.size(), file.bytes() - offset);
    file.read(offset, std::span(some).first(bytes));
    use(offset / size,
        torch::from_blob(some.data(), {static_cast<std::int64_t>(bytes / size)}, file.type()));
    offset += bytes;
  }
}

/// The number of classes of these targets: the largest plus one.
std::int64_t classes_in(const NpyFile& file) {
  if (file.shape().size() != 1) {
    refuse(file, fmt::format("classes need the shape [N], and this is {}", text_of(file.shape())));
  }
  std::int64_t classes = 0;
  for_all_in(file, [&](std::size_t first, const torch::Tensor& numbers) {
    const auto targets = numbers.to(torch::kInt64);
    const auto wrong = targets.lt(0).logical_or(targets.ge(kMaxClasses));
    if (wrong.any().item<bool>()) {
      const auto index = wrong.nonzero()[0].item<std::int64_t>();
      refuse(file, fmt::format("target {} of sample {} is not one of 0–{}",
                               targets[index].item<std::int64_t>(),
                               static_cast<std::int64_t>(first) + index, kMaxClasses - 1));
    }
    classes = std::max(classes, targets.max().item<std::int64_t>() + 1);
  });
  return classes;
}

std::variant<ClassTarget, NumberTarget> target_of(const NpyFile& train, const NpyFile& test) {
  if (torch::isIntegralType(train.type(), /*includeBool=*/true)) {
    const auto of_train = classes_in(train);
    return ClassTarget{.classes = std::max(of_train, classes_in(test))};
  }
  std::vector<std::int64_t> shape(train.shape().begin() + 1, train.shape().end());
  if (shape.empty()) shape = {1};
  return NumberTarget{.shape = std::move(shape)};
}

class NpyDataset final : public DatasetSource {
 public:
  explicit NpyDataset(const fs::path& folder)
      : folder_(folder),
        files_{open_array(folder, Part::kTrainImages), open_array(folder, Part::kTrainLabels),
               open_array(folder, Part::kTestImages), open_array(folder, Part::kTestLabels)},
        shape_(make_shape()) {}

  [[nodiscard]] std::string description() const override {
    return fmt::format("arrays in {}", folder_.string());
  }
  [[nodiscard]] std::string folder() const override { return folder_.string(); }
  [[nodiscard]] DatasetShape shape() const override { return shape_; }

  [[nodiscard]] std::optional<FilePart> in_file(Part part) const override {
    const auto& file = file_of(part);
    const bool aligned = file.header_bytes() % torch::elementSize(file.type()) == 0;
    if (!is_inputs(part) || !aligned) return std::nullopt;
    return FilePart{file.path(), file.header_bytes()};
  }

  void fill(Part part, std::span<std::byte> destination) override {
    const auto& file = file_of(part);
    const auto wanted = shape_.spec().target_type();
    if (is_inputs(part) || file.type() == wanted) return file.read(0, destination);
    const auto size = torch::elementSize(wanted);
    for_all_in(file, [&](std::size_t first, const torch::Tensor& numbers) {
      torch::from_blob(&destination[first * size], numbers.sizes(), wanted).copy_(numbers);
    });
  }

 private:
  [[nodiscard]] const NpyFile& file_of(Part part) const {
    return files_.at(static_cast<std::size_t>(part));
  }
  [[nodiscard]] DatasetShape make_shape() const {
    const auto& inputs = file_of(Part::kTrainImages);
    const auto& targets = file_of(Part::kTrainLabels);
    const auto train = samples_of(inputs, targets);
    const auto test = samples_of(file_of(Part::kTestImages), file_of(Part::kTestLabels));
    require_alike(inputs, file_of(Part::kTestImages));
    require_alike(targets, file_of(Part::kTestLabels));
    return {{.input = input_spec(inputs), .target = target_of(targets, file_of(Part::kTestLabels))},
            train,
            test};
  }
  fs::path folder_;
  std::array<NpyFile, kAllParts.size()> files_;
  DatasetShape shape_;
};

}  // namespace

bool has_npy_files(const fs::path& folder) {
  std::error_code ignored;
  return std::any_of(kNames.begin(), kNames.end(),
                     [&](const char* name) { return fs::exists(folder / name, ignored); });
}

std::unique_ptr<DatasetSource> open_npy_dataset(const fs::path& folder) {
  return std::make_unique<NpyDataset>(folder);
}

}  // namespace lockstep::data

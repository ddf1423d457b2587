#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <lockstep/base/error.hpp>
#include <lockstep/data/idx.hpp>
#include <lockstep/data/idx_dataset.hpp>

#include "idx_files.hpp"
#include "idx_pair.hpp"

namespace lockstep::data {
namespace {

namespace fs = std::filesystem;

constexpr double kLargestPixelValue = 255;
constexpr std::int64_t kMostColumns = 8;  // of a row of QMNIST's extended labels
constexpr std::int64_t kMostLabels = std::int64_t{1} << 20U;

std::int64_t big_endian_at(const std::byte* bytes) {
  std::uint32_t value = 0;
  for (int i = 0; i < 4; ++i) value = value << 8U | std::to_integer<std::uint32_t>(bytes[i]);
  return static_cast<std::int32_t>(value);
}

/// How many integers a label is.
std::int64_t columns_of(const IdxFile& file) {
  const auto& shape = file.dimensions();
  const bool integers = file.element_bytes() > 1;
  if (shape.size() == 1) return 1;
  if (integers && shape.size() == 2 && shape[1] <= kMostColumns) return shape[1];
  throw DataError(fmt::format(
      "{}: expected labels of shape [N]{}, found [{}] (offset 4)", file.path().string(),
      integers ? fmt::format(" or [N, up to {}]", kMostColumns) : "", fmt::join(shape, ", ")));
}

/// The label of each sample, as in the file: [N], uint8 or int64.
torch::Tensor read_labels(const fs::path& path, const IdxFile& images) {
  IdxFile file(path, IdxElements::kBytesOrIntegers);
  const auto columns = columns_of(file);
  require_pair(images, file);
  const auto count = file.dimensions().front();
  const bool integers = file.element_bytes() > 1;
  std::vector<std::byte> bytes(static_cast<std::size_t>(file.elements() * file.element_bytes()));
  file.read_into(bytes);
  if (!integers) return torch::from_blob(bytes.data(), {count}, torch::kUInt8).clone();
  auto labels = torch::empty({count}, torch::kInt64);
  auto* const first = labels.data_ptr<std::int64_t>();
  for (std::int64_t i = 0; i < count; ++i) {
    first[i] = big_endian_at(&bytes[static_cast<std::size_t>(i * columns * file.element_bytes())]);
    if (first[i] >= 0 && first[i] < kMostLabels) continue;
    throw DataError(fmt::format("{}: label {} of sample {} is not one of 0–{}", path.string(),
                                first[i], i, kMostLabels - 1));
  }
  return labels;
}

/// The shape of one input.
std::vector<std::int64_t> input_shape(const IdxFile& file) {
  const auto& all = file.dimensions();
  std::vector<std::int64_t> shape(all.begin() + 1, all.end());
  const bool is_grey_picture = shape.size() == 2;
  if (is_grey_picture || shape.empty()) shape.insert(shape.begin(), 1);
  return shape;
}

/// Labels of both sets, and the one that stands for class 0.
struct Labels {
  torch::Tensor train;
  torch::Tensor test;
  std::int64_t first = 0;

  Labels(torch::Tensor of_train, torch::Tensor of_test)
      : train(std::move(of_train)),
        test(std::move(of_test)),
        first(std::min(train.min().item<std::int64_t>(), test.min().item<std::int64_t>()) > 0 ? 1
                                                                                              : 0) {
  }

  [[nodiscard]] ClassTarget target() const {
    const auto largest =
        std::max(train.max().item<std::int64_t>(), test.max().item<std::int64_t>());
    ClassTarget target{.classes = largest + 1 - first};
    for (auto label = first; first > 0 && label <= largest; ++label) {
      target.names.push_back(std::to_string(label));
    }
    return target;
  }
};

class IdxDataset final : public DatasetSource {
 public:
  explicit IdxDataset(IdxFiles files)
      : files_(std::move(files)),
        train_(path_of(Part::kTrainImages)),
        test_(path_of(Part::kTestImages)),
        labels_(read_labels(path_of(Part::kTrainLabels), train_),
                read_labels(path_of(Part::kTestLabels), test_)),
        shape_(make_shape()) {}

  [[nodiscard]] std::string description() const override {
    const auto in_folder = fmt::format("images and labels in {}", folder());
    return files_.prefix.empty() ? in_folder : fmt::format("{} ({}…)", in_folder, files_.prefix);
  }
  [[nodiscard]] std::string folder() const override { return files_.folder.string(); }
  [[nodiscard]] DatasetShape shape() const override { return shape_; }

  void fill(Part part, std::span<std::byte> destination) override {
    if (part == Part::kTrainImages) return train_.read_into(destination);
    if (part == Part::kTestImages) return test_.read_into(destination);
    const auto& labels = part == Part::kTrainLabels ? labels_.train : labels_.test;
    torch::from_blob(destination.data(), labels.sizes(), shape_.spec().target_type())
        .copy_(labels.sub(labels_.first));
  }

 private:
  [[nodiscard]] const fs::path& path_of(Part part) const {
    return files_.paths.at(static_cast<std::size_t>(part));
  }
  [[nodiscard]] DatasetShape make_shape() const {
    const auto shape = input_shape(train_);
    if (shape != input_shape(test_)) {
      throw DataError(
          fmt::format("{} has the shape [{}], and {} [{}]: they differ in more than "
                      "the number of samples",
                      train_.path().string(), fmt::join(train_.dimensions(), ", "),
                      test_.path().string(), fmt::join(test_.dimensions(), ", ")));
    }
    return {{.input = {.shape = shape, .divisor = kLargestPixelValue}, .target = labels_.target()},
            train_.dimensions().front(),
            test_.dimensions().front()};
  }

  IdxFiles files_;
  IdxFile train_;
  IdxFile test_;
  Labels labels_;
  DatasetShape shape_;
};

}  // namespace

std::unique_ptr<DatasetSource> open_idx_dataset(const fs::path& folder) {
  return std::make_unique<IdxDataset>(find_idx_files(folder.empty() ? "." : folder));
}

}  // namespace lockstep::data

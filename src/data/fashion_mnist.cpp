#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <lockstep/base/error.hpp>
#include <lockstep/data/fashion_mnist.hpp>
#include <lockstep/data/idx.hpp>

namespace lockstep::data {
namespace {

namespace fs = std::filesystem;

constexpr std::array kFileNames = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                                   "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};

std::optional<fs::path> find_file(const fs::path& folder, const std::string& name) {
  std::error_code ignored;
  for (const auto& candidate : {folder / name, folder / (name + ".gz")}) {
    if (fs::exists(candidate, ignored)) return candidate;
  }
  return std::nullopt;
}

std::ptrdiff_t files_in(const fs::path& folder) {
  return std::count_if(kFileNames.begin(), kFileNames.end(),
                       [&](const char* name) { return find_file(folder, name).has_value(); });
}

IdxFile open_part(const fs::path& folder, const char* name) {
  const auto path = find_file(folder, name);
  if (!path) {
    throw DataError(
        fmt::format("{}: {}[.gz] is missing; fetch the data set with launch/fetch-data.sh",
                    folder.string(), name));
  }
  return IdxFile(*path);
}

/// The number of samples, if the two files belong together.
std::int64_t check_pair(const IdxFile& images, const IdxFile& labels) {
  const auto& shape = images.dimensions();
  if (shape.size() != 3 || shape[1] * shape[2] != kImagePixels || shape[1] != shape[2]) {
    throw DataError(fmt::format("{}: expected images of shape [N, 28, 28], found [{}] (offset 4)",
                                images.path().string(), fmt::join(shape, ", ")));
  }
  if (labels.dimensions().size() != 1) {
    throw DataError(fmt::format("{}: expected labels of shape [N], found [{}] (offset 4)",
                                labels.path().string(), fmt::join(labels.dimensions(), ", ")));
  }
  if (shape[0] != labels.elements()) {
    throw DataError(
        fmt::format("{} has {} images but {} has {} labels: they do not belong together",
                    images.path().string(), shape[0], labels.path().string(), labels.elements()));
  }
  return shape[0];
}

void check_labels(const IdxFile& file, std::span<const std::byte> labels) {
  const auto wrong = std::find_if(labels.begin(), labels.end(), [](std::byte label) {
    return std::to_integer<std::int64_t>(label) >= kClasses;
  });
  if (wrong == labels.end()) return;
  const auto index = wrong - labels.begin();
  throw DataError(fmt::format("{}: label {} of sample {} (decoded byte {}) is not one of 0–{}",
                              file.path().string(), std::to_integer<int>(*wrong), index,
                              file.header_bytes() + index, kClasses - 1));
}

class FashionMnist final : public DatasetSource {
 public:
  explicit FashionMnist(const fs::path& folder)
      : folder_(folder),
        files_{open_part(folder, kFileNames[0]), open_part(folder, kFileNames[1]),
               open_part(folder, kFileNames[2]), open_part(folder, kFileNames[3])},
        shape_(check_pair(file(Part::kTrainImages), file(Part::kTrainLabels)),
               check_pair(file(Part::kTestImages), file(Part::kTestLabels))) {}

  [[nodiscard]] std::string description() const override {
    return fmt::format("FashionMNIST in {}", folder_.string());
  }
  [[nodiscard]] std::string folder() const override { return folder_.string(); }
  [[nodiscard]] DatasetShape shape() const override { return shape_; }

  void fill(Part part, std::span<std::byte> destination) override {
    file(part).read_into(destination);
    if (part == Part::kTrainLabels || part == Part::kTestLabels) {
      check_labels(file(part), destination);
    }
  }

 private:
  [[nodiscard]] IdxFile& file(Part part) { return files_.at(static_cast<std::size_t>(part)); }

  fs::path folder_;
  std::array<IdxFile, kAllParts.size()> files_;
  DatasetShape shape_;
};

}  // namespace

std::vector<fs::path> default_data_folders() {
  return {"data/FashionMNIST/raw", "/usr/share/datasets/fashion-mnist"};
}

std::unique_ptr<DatasetSource> open_fashion_mnist(const std::vector<fs::path>& folders) {
  // The first that holds most: a half-filled folder does not hide a complete one.
  const auto fullest = std::max_element(
      folders.begin(), folders.end(),
      [](const fs::path& a, const fs::path& b) { return files_in(a) < files_in(b); });
  if (fullest != folders.end() && files_in(*fullest) > 0) {
    return std::make_unique<FashionMnist>(*fullest);
  }
  std::vector<std::string> names;
  for (const auto& folder : folders) names.push_back(folder.string());
  throw DataError(
      fmt::format("no FashionMNIST files in {}; install Debian's dataset-fashion-mnist, run "
                  "launch/fetch-data.sh, or point --data-dir at them (--synthetic needs none)",
                  fmt::join(names, " or ")));
}

std::string published_digest(Part part) {
  // Of the files that https://github.com/zalandoresearch/fashion-mnist offers, behind their
  // headers.
  constexpr std::array kDigests = {
      "2e487a6c89124f78f2d7521542223cafe96f7123c3ca13d447772ac6ecbb3012",
      "657fbd221bfc9f4198cc14b5619cc33ec57c58dd0e47af4d99d6650759e869a7",
      "c867c93ff95360594e8ec3287995350b824dd110b11595c0e13d5423f621867a",
      "3d0e6c6ea990b53b6f8f500a41cac93881d981b315f84578b7d915342ade01e9"};
  return kDigests.at(static_cast<std::size_t>(part));
}

}  // namespace lockstep::data

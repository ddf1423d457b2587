#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <lockstep/base/error.hpp>
#include <lockstep/base/sha256.hpp>
#include <lockstep/data/fashion_mnist.hpp>
#include <lockstep/data/idx.hpp>

#include "dataset_files.hpp"
#include "idx_pair.hpp"
#include "other_idx_data.hpp"

namespace lockstep::data {
namespace {

namespace fs = std::filesystem;

IdxFile open_part(const fs::path& folder, Part part) {
  if (const auto path = find_file(folder, part)) return IdxFile(*path);
  auto near = describe_near_file(folder, part);
  if (near.empty()) near = "fetch the data set with launch/fetch-data.sh";
  throw DataError(
      fmt::format("{}: {}[.gz] is missing; {}", folder.string(), file_name(part), near));
}

/// The number of samples, if the two files belong together.
std::int64_t check_pair(const IdxFile& images, const IdxFile& labels) {
  if (!has_fashion_mnist_shape(images)) {
    throw DataError(
        fmt::format("{}: expected images of shape [N, 28, 28], found [{}] (offset 4); other images "
                    "are of the kind idx",
                    images.path().string(), fmt::join(images.dimensions(), ", ")),
        {"dataset"});
  }
  if (labels.dimensions().size() != 1) {
    throw DataError(fmt::format("{}: expected labels of shape [N], found [{}] (offset 4)",
                                labels.path().string(), fmt::join(labels.dimensions(), ", ")));
  }
  require_pair(images, labels);
  return labels.elements();
}

void check_labels(const IdxFile& file, std::span<const std::byte> labels) {
  const auto wrong = std::find_if(labels.begin(), labels.end(), [](std::byte label) {
    return std::to_integer<std::int64_t>(label) >= kClasses;
  });
  if (wrong == labels.end()) return;
  const auto index = wrong - labels.begin();
  throw DataError(
      fmt::format("{}: label {} of sample {} (decoded byte {}) is not one of 0–{}; data of more "
                  "classes are of the kind idx",
                  file.path().string(), std::to_integer<int>(*wrong), index,
                  file.header_bytes() + index, kClasses - 1),
      {"dataset"});
}

std::vector<fs::path> all_places_of(const std::vector<fs::path>& folders) {
  std::vector<fs::path> places;
  for (const auto& folder : folders) {
    const auto more = places_of(folder);
    places.insert(places.end(), more.begin(), more.end());
  }
  return places;
}

/// The folder that holds most of its files, if any holds one: a half-filled one does not hide a
/// complete one.
std::optional<fs::path> fullest_of(const std::vector<fs::path>& folders) {
  const auto places = all_places_of(folders);
  const auto fullest = std::max_element(
      places.begin(), places.end(),
      [](const fs::path& a, const fs::path& b) { return files_in(a) < files_in(b); });
  if (fullest == places.end() || files_in(*fullest) == 0) return std::nullopt;
  return *fullest;
}

class FashionMnist final : public DatasetSource {
 public:
  explicit FashionMnist(const fs::path& folder)
      : folder_(folder),
        files_{open_part(folder, Part::kTrainImages), open_part(folder, Part::kTrainLabels),
               open_part(folder, Part::kTestImages), open_part(folder, Part::kTestLabels)},
        shape_(fashion_mnist_spec(), check_pair(file(Part::kTrainImages), file(Part::kTrainLabels)),
               check_pair(file(Part::kTestImages), file(Part::kTestLabels))) {}

  [[nodiscard]] std::string description() const override {
    return describe_files(folder_.string(), false);
  }
  [[nodiscard]] std::optional<KnownData> known() const override {
    KnownData published{.digests = {}, .description = describe_files(folder_.string(), true)};
    for (const Part part : kAllParts) {
      published.digests[part_name(part)] = published_digest(part);
    }
    return published;
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

bool has_fashion_mnist_files(const std::vector<fs::path>& folders) {
  const auto place = fullest_of(folders);
  return place && !has_other_idx_data(*place);
}

SampleSpec fashion_mnist_spec() {
  constexpr double kLargestPixel = 255;
  return {.input = {.shape = {1, kImageSide, kImageSide}, .divisor = kLargestPixel},
          .target =
              ClassTarget{.classes = kClasses, .names = {kClassNames.begin(), kClassNames.end()}}};
}

std::vector<fs::path> default_data_folders() {
  return {"data/FashionMNIST/raw", "/usr/share/datasets/fashion-mnist"};
}

std::unique_ptr<DatasetSource> open_fashion_mnist(const std::vector<fs::path>& folders) {
  if (const auto place = fullest_of(folders)) return std::make_unique<FashionMnist>(*place);
  std::vector<std::string> names;
  std::string near;
  for (const auto& folder : folders) {
    names.push_back(folder.string());
    if (near.empty()) near = describe_near_file(folder, std::nullopt);
  }
  if (near.empty()) {
    near =
        "install Debian's dataset-fashion-mnist, run launch/fetch-data.sh, name the folder that "
        "has them, or train on made-up images";
  }
  throw DataError(fmt::format("no FashionMNIST files in {}; {}", fmt::join(names, " or "), near),
                  {"data_dir", "synthetic"});
}

std::string published_digest(Part part) {
  // Of the files at https://github.com/zalandoresearch/fashion-mnist, after their headers.
  constexpr std::array kDigests = {
      "2e487a6c89124f78f2d7521542223cafe96f7123c3ca13d447772ac6ecbb3012",
      "657fbd221bfc9f4198cc14b5619cc33ec57c58dd0e47af4d99d6650759e869a7",
      "c867c93ff95360594e8ec3287995350b824dd110b11595c0e13d5423f621867a",
      "3d0e6c6ea990b53b6f8f500a41cac93881d981b315f84578b7d915342ade01e9"};
  return kDigests.at(static_cast<std::size_t>(part));
}

bool is_as_published(Part part, std::span<const std::byte> bytes) {
  return sha256_of(bytes) == published_digest(part);
}

bool are_published(const DatasetDigests& digests) {
  return std::all_of(kAllParts.begin(), kAllParts.end(), [&](Part part) {
    const auto found = digests.find(part_name(part));
    return found != digests.end() && found->second == published_digest(part);
  });
}

std::string describe_files(const std::string& folder, bool as_published) {
  return as_published
             ? fmt::format("FashionMNIST in {}", folder)
             : fmt::format(
                   "images and labels in {} (not the published images and labels of FashionMNIST)",
                   folder);
}

}  // namespace lockstep::data

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <lockstep/base/error.hpp>
#include <lockstep/data/cifar.hpp>

#include "cifar_file.hpp"

namespace lockstep::data {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kCifarSide = 32;
constexpr std::int64_t kCifarColours = 3;
constexpr std::size_t kCifarImageBytes = std::size_t{kCifarColours * kCifarSide * kCifarSide};
constexpr double kLargestColour = 255;

/// What the two data sets differ in.
struct CifarLayout {
  std::string name;
  std::string folder;  ///< that its archive unpacks to
  std::string python_folder;
  std::string archive;
  std::vector<std::string> train;
  std::string test;
  std::string class_names;
  CifarRecord record;

  [[nodiscard]] std::vector<std::string> files() const {
    auto all = train;
    all.push_back(test);
    return all;
  }
};

CifarLayout layout_of(Cifar kind) {
  if (kind == Cifar::k10) {
    return {.name = "CIFAR-10",
            .folder = "cifar-10-batches-bin",
            .python_folder = "cifar-10-batches-py",
            .archive = "cifar-10-binary.tar.gz",
            .train = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                      "data_batch_4.bin", "data_batch_5.bin"},
            .test = "test_batch.bin",
            .class_names = "batches.meta.txt",
            .record = {.labels = 1, .image_bytes = kCifarImageBytes, .classes = 10}};
  }
  return {.name = "CIFAR-100",
          .folder = "cifar-100-binary",
          .python_folder = "cifar-100-python",
          .archive = "cifar-100-binary.tar.gz",
          .train = {"train.bin"},
          .test = "test.bin",
          .class_names = "fine_label_names.txt",
          .record = {.labels = 2, .image_bytes = kCifarImageBytes, .classes = 100}};
}

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

/// How many of its files a folder has.
std::ptrdiff_t files_of(const CifarLayout& layout, const fs::path& folder) {
  auto files = layout.files();
  files.push_back(layout.class_names);
  return std::count_if(files.begin(), files.end(),
                       [&](const std::string& name) { return is_there(folder / name); });
}

/// The folder itself or the one in it that the archive unpacks to: the one with more of its files.
fs::path place_of(const CifarLayout& layout, const fs::path& folder) {
  const auto below = folder / layout.folder;
  return files_of(layout, below) > files_of(layout, folder) ? below : folder;
}

/// Whether a folder holds the version for Python, or is itself the one that it unpacks to.
bool is_for_python(const CifarLayout& layout, const fs::path& folder) {
  return is_there(folder / layout.python_folder) || folder.filename() == layout.python_folder;
}

void require_all_files(const CifarLayout& layout, const fs::path& folder, const fs::path& place) {
  std::vector<std::string> missing;
  for (const auto& name : layout.files()) {
    if (!is_there(place / name)) missing.push_back(name);
  }
  if (missing.empty()) return;
  auto advice = fmt::format("{} of https://www.cs.toronto.edu/~kriz/cifar.html has all files",
                            layout.archive);
  if (is_there(folder / layout.archive)) {
    advice = fmt::format("unpack {}", layout.archive);
  } else if (is_for_python(layout, folder)) {
    advice = fmt::format("the version for Python is not read, and {}", advice);
  }
  throw DataError(fmt::format("{}: {} {} missing; {}", place.string(), fmt::join(missing, ", "),
                              missing.size() == 1 ? "is" : "are", advice),
                  {"data_dir"});
}

/// None if there is no such file, or it has not one for each class.
std::vector<std::string> read_class_names(const fs::path& path, std::size_t classes) {
  constexpr std::int64_t kMaxBytes = std::int64_t{1} << 16U;
  if (!is_there(path)) return {};
  try {
    const RegularFile file(path);
    if (file.size() > kMaxBytes) return {};
    std::string text(static_cast<std::size_t>(file.size()), '\0');
    file.read(0, std::as_writable_bytes(std::span(text.data(), text.size())));
    return parse_class_names(text, classes);
  } catch (const DataError&) {
    return {};
  }
}

std::vector<CifarFile> open_files(const CifarLayout& layout, const fs::path& folder,
                                  const std::vector<std::string>& names) {
  std::vector<CifarFile> files;
  for (const auto& name : names) files.emplace_back(folder / name, layout.record);
  return files;
}

std::int64_t samples_in(const std::vector<CifarFile>& files) {
  std::int64_t samples = 0;
  for (const auto& file : files) samples += static_cast<std::int64_t>(file.records());
  return samples;
}

class CifarDataset final : public DatasetSource {
 public:
  CifarDataset(const CifarLayout& layout, const fs::path& folder)
      : name_(layout.name),
        folder_(folder),
        train_(open_files(layout, folder, layout.train)),
        test_(open_files(layout, folder, {layout.test})),
        shape_(
            {.input = {.shape = {kCifarColours, kCifarSide, kCifarSide}, .divisor = kLargestColour},
             .target = ClassTarget{.classes = static_cast<std::int64_t>(layout.record.classes),
                                   .names = read_class_names(folder / layout.class_names,
                                                             layout.record.classes)}},
            samples_in(train_), samples_in(test_)) {}

  [[nodiscard]] std::string description() const override {
    return fmt::format("images and labels in {} (in the form of {})", folder_.string(), name_);
  }
  [[nodiscard]] std::string folder() const override { return folder_.string(); }
  [[nodiscard]] DatasetShape shape() const override { return shape_; }

  void fill(Part part, std::span<std::byte> destination) override {
    const bool of_test = part == Part::kTestImages || part == Part::kTestLabels;
    const bool of_labels = part == Part::kTrainLabels || part == Part::kTestLabels;
    for (const auto& file : of_test ? test_ : train_) {
      const auto bytes = file.records() * (of_labels ? 1 : kCifarImageBytes);
      if (of_labels) {
        file.read_labels(destination.first(bytes));
      } else {
        file.read_images(destination.first(bytes));
      }
      destination = destination.subspan(bytes);
    }
  }

 private:
  std::string name_;
  fs::path folder_;
  std::vector<CifarFile> train_;
  std::vector<CifarFile> test_;
  DatasetShape shape_;
};

}  // namespace

bool has_cifar_files(Cifar kind, const fs::path& folder) {
  // One name alone, such as train.bin, is not enough to know it by.
  constexpr std::ptrdiff_t kTellingFiles = 2;
  const auto layout = layout_of(kind);
  return files_of(layout, place_of(layout, folder)) >= kTellingFiles;
}

std::unique_ptr<DatasetSource> open_cifar(Cifar kind, const fs::path& folder) {
  const auto layout = layout_of(kind);
  const fs::path named = folder.empty() ? fs::path(".") : folder;
  const auto place = place_of(layout, named);
  require_all_files(layout, named, place);
  return std::make_unique<CifarDataset>(layout, place);
}

}  // namespace lockstep::data

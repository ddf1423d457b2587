#include "picture_folder.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <lockstep/base/error.hpp>
#include <lockstep/data/picture_dataset.hpp>

namespace lockstep::data {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kMaxPictures = 50'000'000;
constexpr std::size_t kMaxPictureClasses = std::size_t{1} << 20U;
constexpr const char* kTrain = "train";
constexpr const char* kTest = "test";
constexpr std::array kEndings = {".png", ".jpg", ".jpeg"};

[[noreturn]] void refuse_folder(const fs::path& path, const std::string& why) {
  throw DataError(fmt::format("{}: {}", path.string(), why));
}

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

bool has_picture_ending(const std::string& name) {
  auto ending = fs::path(name).extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return std::find(kEndings.begin(), kEndings.end(), ending) != kEndings.end();
}

/// The names in a folder that are not hidden, sorted by their bytes.
std::vector<std::string> names_in(const fs::path& path) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(path, error), end; !error && entry != end;
       entry.increment(error)) {
    auto name = entry->path().filename().string();
    if (!name.starts_with('.')) names.push_back(std::move(name));
  }
  if (error) refuse_folder(path, fmt::format("cannot be listed: {}", error.message()));
  std::sort(names.begin(), names.end());
  return names;
}

/// Class names become part of JSON texts.
void require_utf8(const fs::path& path, const std::string& name) {
  try {
    (void)nlohmann::json(name).dump();
  } catch (const nlohmann::json::type_error&) {
    refuse_folder(path, "the name of this class is not UTF-8: rename the folder");
  }
}

std::vector<std::string> classes_in_folder(const fs::path& path) {
  std::vector<std::string> classes;
  for (auto& name : names_in(path)) {
    if (!is_folder(path / name)) continue;
    require_utf8(path / name, name);
    classes.push_back(std::move(name));
  }
  if (classes.size() > kMaxPictureClasses) {
    refuse_folder(
        path, fmt::format("{} classes: there may be up to {}", classes.size(), kMaxPictureClasses));
  }
  return classes;
}

/// Appends the pictures of one class.
void list_class(const PictureFolder& folder, const std::string& name, std::int64_t label,
                std::vector<PictureEntry>& entries) {
  const auto path = folder.path / name;
  for (const auto& file : names_in(path)) {
    if (!has_picture_ending(file)) {
      if (!is_folder(path / file)) continue;
      refuse_folder(path / file,
                    "a folder inside that of a class: pictures have to lie in the "
                    "folder of their class itself");
    }
    entries.push_back({.name = name + '/' + file, .label = label, .stamp = stamp_of(path / file)});
    if (folder.size() > kMaxPictures) {
      refuse_folder(folder.path, fmt::format("there may be up to {} pictures", kMaxPictures));
    }
  }
}

void require_splits(const fs::path& path) {
  for (const auto* split : {kTrain, kTest}) {
    if (is_folder(path / split)) continue;
    std::string hint;
    for (const auto* other : {"val", "valid", "validation"}) {
      if (split != kTest || !hint.empty() || !is_folder(path / other)) continue;
      hint = fmt::format("; to test on {0}, rename it, or link to it: ln -s {0} {1}", other, kTest);
    }
    refuse_folder(path / split,
                  "there is no such folder: pictures have to lie in "
                  "train/CLASS and test/CLASS" +
                      hint);
  }
}

}  // namespace

bool has_picture_folders(const fs::path& folder) {
  std::error_code error;
  for (fs::directory_iterator entry(folder / kTrain, error), end; !error && entry != end;
       entry.increment(error)) {
    if (!entry->path().filename().string().starts_with('.') && is_folder(entry->path()))
      return true;
  }
  return false;
}

PictureFolder list_pictures(const fs::path& path) {
  require_splits(path);
  PictureFolder folder{.path = path, .classes = classes_in_folder(path / kTrain)};
  if (folder.classes.empty()) {
    refuse_folder(path / kTrain, "there are no folders of classes in it");
  }
  for (std::size_t label = 0; label < folder.classes.size(); ++label) {
    const auto before = folder.train.size();
    const auto name = fmt::format("{}/{}", kTrain, folder.classes[label]);
    list_class(folder, name, static_cast<std::int64_t>(label), folder.train);
    if (folder.train.size() == before) {
      refuse_folder(path / name,
                    "there is no picture (.png, .jpg, .jpeg) of this class: add some, "
                    "or remove the folder");
    }
  }
  for (const auto& name : classes_in_folder(path / kTest)) {
    const auto found = std::lower_bound(folder.classes.begin(), folder.classes.end(), name);
    if (found == folder.classes.end() || *found != name) {
      refuse_folder(path / kTest / name, "there are no training pictures of this class");
    }
    list_class(folder, fmt::format("{}/{}", kTest, name), found - folder.classes.begin(),
               folder.test);
  }
  if (folder.test.empty()) refuse_folder(path / kTest, "there are no pictures of any class in it");
  return folder;
}

}  // namespace lockstep::data

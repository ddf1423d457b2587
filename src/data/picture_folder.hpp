// A folder of pictures, sorted into classes by its sub-folders.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "picture_file.hpp"

namespace lockstep::data {

struct PictureEntry {
  std::string name;  ///< below the folder: "train/cat/1.png"
  std::int64_t label = 0;
  FileStamp stamp{};
};

struct PictureFolder {
  std::filesystem::path path;
  std::vector<std::string> classes{};  ///< sorted by their bytes
  std::vector<PictureEntry> train{};   ///< sorted by class, then by the bytes of their names
  std::vector<PictureEntry> test{};

  /// The training pictures, then those of the test set.
  [[nodiscard]] std::int64_t size() const {
    return static_cast<std::int64_t>(train.size() + test.size());
  }
  [[nodiscard]] const PictureEntry& entry(std::int64_t number) const {
    const auto index = static_cast<std::size_t>(number);
    return index < train.size() ? train[index] : test[index - train.size()];
  }
  [[nodiscard]] std::filesystem::path path_of(const PictureEntry& entry) const {
    return path / entry.name;
  }
};

/// Lists train/CLASS/*.png|jpg|jpeg and test/CLASS/… in `path`, whatever the case of the endings.
/// Left out are other files and hidden names. Throws DataError naming a folder without pictures or
/// with another inside, a class that only the test set has, a picture that is no file.
[[nodiscard]] PictureFolder list_pictures(const std::filesystem::path& path);

}  // namespace lockstep::data

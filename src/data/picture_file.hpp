// Files of pictures in PNG or JPEG, told by their content.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "pixels.hpp"

namespace lockstep::data {

/// What the file system says of a file, so that a change is noticed.
struct FileStamp {
  std::int64_t bytes = 0;
  std::int64_t changed_ns = 0;  ///< since 1970

  [[nodiscard]] bool operator==(const FileStamp&) const = default;
};

/// Throws DataError naming `path` if it is no file, or is larger than 256 MiB.
[[nodiscard]] FileStamp stamp_of(const std::filesystem::path& path);

/// Reads the beginning of a file, or all of it where that does not suffice. Throws DataError naming
/// `path`, also for a picture of more than kMaxPictureSide pixels on a side.
[[nodiscard]] PictureHeader read_picture_header(const std::filesystem::path& path);

/// The content of a file. Throws DataError naming `path` if it is no longer as `stamp` says.
[[nodiscard]] std::string read_picture_file(const std::filesystem::path& path,
                                            const FileStamp& stamp);

/// True if `bytes` begin like a PNG or JPEG file.
[[nodiscard]] bool is_picture_file(const std::string& bytes);

/// Throws DataError naming `path`, from which `bytes` are.
[[nodiscard]] Pixels decode_picture(const std::filesystem::path& path, const std::string& bytes);

}  // namespace lockstep::data

// An open file that is no pipe, device or folder.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>

#include <lockstep/base/file.hpp>

namespace lockstep::data {

/// A regular file, open for reading. Opening one never waits for the writer of a pipe.
class RegularFile {
 public:
  /// Throws DataError naming the file if it cannot be opened, or is no regular file.
  explicit RegularFile(std::filesystem::path path);

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  [[nodiscard]] int descriptor() const noexcept { return descriptor_.get(); }
  /// Its size when it was opened, in bytes.
  [[nodiscard]] std::int64_t size() const noexcept { return size_; }
  /// Reads exactly `destination` from byte `offset` on, wherever the descriptor stands. Throws
  /// DataError, also where the file has become shorter. Any thread.
  void read(std::int64_t offset, std::span<std::byte> destination) const;

 private:
  std::filesystem::path path_;
  FileDescriptor descriptor_;
  std::int64_t size_ = 0;
};

}  // namespace lockstep::data

// A file as memory: read when it is touched, and shared through the page cache by all processes of
// a host.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace lockstep::data {

/// `bytes` of a file from `offset` on, read-only. Nothing is read ahead unless `read_ahead` or
/// `will_need` ask for it. A file that becomes shorter while it is mapped ends the process
/// (SIGBUS). Any thread. Source: mmap(2), madvise(2).
class MappedFile {
 public:
  /// Throws DataError naming the file if it is no regular file, too short, or cannot be mapped.
  MappedFile(const std::filesystem::path& path, std::size_t offset, std::size_t bytes);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }
  /// Whether more is read than is touched: right for reading in order, wrong for random samples.
  void read_ahead(bool on) const noexcept;

 private:
  std::span<std::byte> mapping_;  // from the beginning of the file
  std::span<const std::byte> bytes_;
};

/// Starts reading these bytes of a mapping, without waiting for them.
void will_need(std::span<const std::byte> bytes) noexcept;

}  // namespace lockstep::data

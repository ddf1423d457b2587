// IDX files (the format of MNIST and FashionMNIST), plain or gzip-compressed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

namespace lockstep::data {

/// Which elements a file may have.
enum class IdxElements : std::uint8_t { kBytes, kBytesOrIntegers };

/// An open IDX file whose header has been read and found consistent. Its elements are unsigned
/// bytes or, if that is allowed, big-endian integers of 32 bits.
///
/// Before anything is allocated, the sizes in the header are checked against the length of the
/// stream: the file's size if it is plain; the gzip trailer and the format's greatest ratio
/// (1032:1) if it is compressed, and the whole stream if those disagree. Errors are DataError,
/// naming file, offset and remedy. One thread at a time. A compressed file of one member is decoded
/// in one go by libdeflate, in half of zlib's time.
/// Source: "The IDX file format", Y. LeCun, MNIST page; RFC 1952 (gzip).
class IdxFile {
 public:
  explicit IdxFile(std::filesystem::path path, IdxElements allowed = IdxElements::kBytes);
  ~IdxFile();
  IdxFile(IdxFile&&) noexcept;
  IdxFile& operator=(IdxFile&&) noexcept;
  IdxFile(const IdxFile&) = delete;
  IdxFile& operator=(const IdxFile&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  [[nodiscard]] const std::vector<std::int64_t>& dimensions() const noexcept { return dimensions_; }
  /// Bytes before the first element, in the decoded stream.
  [[nodiscard]] std::int64_t header_bytes() const noexcept;
  /// Product of the dimensions: the number of elements.
  [[nodiscard]] std::int64_t elements() const noexcept { return elements_; }
  /// Of one element: 1 or 4.
  [[nodiscard]] std::int64_t element_bytes() const noexcept { return element_bytes_; }

  /// Decodes all elements into `destination` (exactly `elements() · element_bytes()` bytes); call
  /// once. Checks that the stream ends there and, for gzip, its CRC.
  void read_into(std::span<std::byte> destination);

 private:
  struct Stream;
  void read_header(IdxElements allowed);
  void check_length() const;

  std::filesystem::path path_;
  std::vector<std::int64_t> dimensions_;
  std::int64_t elements_ = 0;
  std::int64_t element_bytes_ = 1;
  std::unique_ptr<Stream> stream_;
};

}  // namespace lockstep::data

// One file of records, as CIFAR's binary versions consist of them.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "regular_file.hpp"

namespace lockstep::data {

/// A record is its labels, a byte each, of which the last counts, and its image.
struct CifarRecord {
  std::size_t labels = 1;
  std::size_t image_bytes = 0;
  std::size_t classes = 0;

  [[nodiscard]] std::size_t bytes() const { return labels + image_bytes; }
};

/// A file of whole records, at least one. One thread at a time.
class CifarFile {
 public:
  /// Throws DataError naming the file if it is no file, or its size is not that of records.
  CifarFile(std::filesystem::path path, const CifarRecord& record);

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return file_.path(); }
  [[nodiscard]] std::size_t records() const noexcept { return records_; }
  /// Reads all images, one after the other: records() · image_bytes bytes.
  void read_images(std::span<std::byte> destination) const;
  /// Reads the label of each image: records() bytes. Throws DataError, naming record and label, for
  /// one that is not below `classes`.
  void read_labels(std::span<std::byte> destination) const;

 private:
  void for_each(const std::function<void(std::size_t, std::span<const std::byte>)>& use) const;

  RegularFile file_;
  CifarRecord record_;
  std::size_t records_ = 0;
};

/// One name on each line that is not empty; none at all if there are not `classes` of them, or if
/// they are no printable text in UTF-8.
[[nodiscard]] std::vector<std::string> parse_class_names(std::string_view text,
                                                         std::size_t classes);

}  // namespace lockstep::data

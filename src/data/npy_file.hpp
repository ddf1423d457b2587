// .npy files, as numpy.save writes them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <torch/torch.h>

#include "regular_file.hpp"

namespace lockstep::data {

/// What the header of a .npy file says.
struct NpyHeader {
  torch::ScalarType type = torch::kUInt8;
  std::vector<std::int64_t> shape{};
  std::size_t bytes = 0;  ///< of the header, behind which the elements lie
};

/// Reads the header at the beginning of `bytes`; `what` names the file in errors. Throws DataError
/// for other files, and for arrays that cannot be read as they lie: of Python objects, of
/// big-endian numbers, in Fortran's order.
/// Source: numpy.lib.format, "NPY format", versions 1.0 to 3.0.
[[nodiscard]] NpyHeader parse_npy_header(std::string_view bytes, const std::string& what);

/// An array in a file whose header fits its length. One thread at a time.
class NpyFile {
 public:
  explicit NpyFile(std::filesystem::path path);

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return file_.path(); }
  [[nodiscard]] torch::ScalarType type() const noexcept { return header_.type; }
  [[nodiscard]] const std::vector<std::int64_t>& shape() const noexcept { return header_.shape; }
  [[nodiscard]] std::size_t header_bytes() const noexcept { return header_.bytes; }
  /// Of all elements.
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  /// Reads elements' bytes, from byte `offset` on. Throws DataError.
  void read(std::size_t offset, std::span<std::byte> destination) const;

 private:
  RegularFile file_;
  NpyHeader header_;
  std::size_t bytes_ = 0;
};

}  // namespace lockstep::data

// PNG files as 8-bit grey values.
#pragma once

#include <filesystem>
#include <string>

#include <lockstep/data/picture.hpp>

namespace lockstep::data {

/// True if `bytes` begin like a PNG file.
[[nodiscard]] bool is_png(const std::string& bytes);

/// Decodes a PNG file of any colour type, depth and interlacing, as `read_picture` describes.
/// Throws DataError naming `path`.
[[nodiscard]] Picture read_png(const std::filesystem::path& path, const std::string& bytes);

/// The number of pixels; throws DataError naming `path` if a picture may not have these sizes.
[[nodiscard]] std::int64_t checked_pixels(const std::filesystem::path& path, std::int64_t width,
                                          std::int64_t height);

}  // namespace lockstep::data

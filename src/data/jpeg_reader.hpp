// JPEG files as samples of 8 bits.
#pragma once

#include <filesystem>
#include <string>

#include "pixels.hpp"

namespace lockstep::data {

/// True if `bytes` begin like a JPEG file.
[[nodiscard]] bool is_jpeg(const std::string& bytes);

/// `bytes` may be cut off behind the header. Throws DataError naming `path`, also for a picture in
/// CMYK.
[[nodiscard]] PictureHeader jpeg_header(const std::filesystem::path& path,
                                        const std::string& bytes);

/// Decodes a JPEG file, grey or in colour, baseline or progressive, as it lies: the orientation
/// that EXIF data name is ignored. A file that is cut off or damaged is an error, and so is one of
/// more than 500 scans. Throws DataError naming `path`. Source: libjpeg(-turbo).
[[nodiscard]] Pixels decode_jpeg(const std::filesystem::path& path, const std::string& bytes,
                                 SizeCheck check_size);

}  // namespace lockstep::data

// PNG files as samples of 8 bits, and as grey values.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include <lockstep/data/picture.hpp>

#include "pixels.hpp"

namespace lockstep::data {

/// True if `bytes` begin like a PNG file.
[[nodiscard]] bool is_png(const std::string& bytes);

/// What 8 bits are made of 16.
enum class SixteenBits : std::uint8_t {
  kRounded,  ///< value / 257
  kHighByte
};

/// A picture with a palette is one in colour. `bytes` may be cut off behind the header. Throws
/// DataError naming `path`.
[[nodiscard]] PictureHeader png_header(const std::filesystem::path& path, const std::string& bytes);

/// Decodes a PNG file of any colour type, depth and interlacing; palettes become colours. Gamma and
/// colour profiles are ignored. Throws DataError naming `path`.
[[nodiscard]] Pixels decode_png(const std::filesystem::path& path, const std::string& bytes,
                                SixteenBits sixteen_bits, SizeCheck check_size);

/// The grey values of a PNG file, as `read_picture` describes them. Throws DataError naming `path`.
[[nodiscard]] Picture read_png(const std::filesystem::path& path, const std::string& bytes);

}  // namespace lockstep::data

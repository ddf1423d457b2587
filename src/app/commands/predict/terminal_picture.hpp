// A picture in a terminal's characters.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace lockstep::app {

/// With half blocks in 24 shades (xterm's 256 colours): two rows a line.
[[nodiscard]] std::string picture_in_blocks(std::span<const std::uint8_t> grey, std::int64_t width);
/// With ASCII characters, two a pixel: bright pixels are dense ones.
[[nodiscard]] std::string picture_in_letters(std::span<const std::uint8_t> grey,
                                             std::int64_t width);

}  // namespace lockstep::app

// A picture drawn with a terminal's characters.
#pragma once

#include <cstdint>
#include <span>
#include <string>

namespace lockstep::app {

/// Drawn with half blocks in 24 shades (xterm's 256 colours): two rows per line.
[[nodiscard]] std::string picture_in_blocks(std::span<const std::uint8_t> grey, std::int64_t width);
/// Drawn with ASCII characters, two per pixel: the brighter the pixel, the denser the character.
[[nodiscard]] std::string picture_in_letters(std::span<const std::uint8_t> grey,
                                             std::int64_t width);

}  // namespace lockstep::app

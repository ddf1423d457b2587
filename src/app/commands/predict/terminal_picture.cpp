#include "commands/predict/terminal_picture.hpp"

#include <string_view>

#include <fmt/format.h>

namespace lockstep::app {
namespace {

constexpr std::string_view kShades = " .:-=+*#%@";

}  // namespace

std::string picture_in_blocks(std::span<const std::uint8_t> grey, std::int64_t width) {
  constexpr int kFirstShade = 232;
  constexpr int kNumberOfShades = 24;
  const auto columns = static_cast<std::size_t>(width);
  const auto shade = [](std::uint8_t value) { return kFirstShade + value * kNumberOfShades / 256; };
  std::string text;
  for (std::size_t row = 0; row + columns < grey.size(); row += 2 * columns) {
    for (std::size_t column = 0; column < columns; ++column) {
      text += fmt::format("\x1b[38;5;{};48;5;{}m▀", shade(grey[row + column]),
                          shade(grey[row + columns + column]));
    }
    text += "\x1b[0m\n";
  }
  return text;
}

std::string picture_in_letters(std::span<const std::uint8_t> grey, std::int64_t width) {
  const auto columns = static_cast<std::size_t>(width);
  std::string text;
  for (std::size_t i = 0; i < grey.size(); ++i) {
    text.append(2, kShades[grey[i] * kShades.size() / 256]);
    if ((i + 1) % columns == 0) text += '\n';
  }
  return text;
}

}  // namespace lockstep::app

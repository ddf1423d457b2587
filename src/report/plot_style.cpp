#include "plot_style.hpp"

#include <array>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace lockstep::report {

const char* plot_colour(std::size_t index) {
  constexpr std::array kColours = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                   "#E69F00", "#56B4E9", "#000000"};
  return kColours.at(index % kColours.size());
}

std::string line_style(std::size_t index) {
  return fmt::format("lw 2 pt {} ps 0.9 dt {} lc rgb '{}'", 5 + 2 * (index % 5), 1 + index % 5,
                     plot_colour(index));
}

std::string named_block(std::size_t index, const std::string& lines) {
  return fmt::format("$d{} << EOD\n{}EOD\n", index, lines);
}

std::string joined(const std::vector<std::string>& parts) {
  return fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace lockstep::report

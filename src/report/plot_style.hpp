// How all plots look: gnuplot's settings, colours, and pieces of scripts.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace lockstep::report {

struct Plot {
  std::string title;
  std::string caption;
  std::string script;  ///< for `draw_svg`
};

inline constexpr const char* kCommonPlotSettings =
    "set border 3\nset tics nomirror out\nset grid ytics lc rgb '#dddddd' lw 1\n"
    "set key outside top center horizontal height 0.5\nset style fill solid 0.9 border rgb "
    "'black'\n"
    "set boxwidth 0.6\n";

/// Colours by Okabe and Ito, which colour-blind people can tell apart.
[[nodiscard]] const char* plot_colour(std::size_t index);

/// The style of line number `index`: lines also differ in dashes and marks, for print.
[[nodiscard]] std::string line_style(std::size_t index);

/// `lines` as a data block named $d<index>.
[[nodiscard]] std::string named_block(std::size_t index, const std::string& lines);

/// Joined with commas.
[[nodiscard]] std::string joined(const std::vector<std::string>& parts);

}  // namespace lockstep::report

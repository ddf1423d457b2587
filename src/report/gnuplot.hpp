// Pictures by gnuplot, which may or may not be installed.
#pragma once

#include <string>

namespace lockstep::report {

/// Why gnuplot cannot draw here: it cannot be started, or there is no temporary folder. Empty if it
/// can.
[[nodiscard]] std::string why_no_gnuplot();

/// An <svg> element drawn by `script`, a gnuplot script without its `set terminal` and `set
/// output`. `prefix` keeps its ids apart from those of other pictures on the page. Throws
/// RuntimeFailure with gnuplot's message, or if gnuplot has not ended after a minute.
[[nodiscard]] std::string draw_svg(const std::string& script, const std::string& prefix);

/// `text` as a gnuplot string.
[[nodiscard]] std::string gnuplot_string(const std::string& text);

}  // namespace lockstep::report

// The frame of a self-contained page.
#pragma once

#include <string>
#include <vector>

#include "plot_style.hpp"

namespace lockstep::report {

/// The page up to the beginning of the body.
[[nodiscard]] std::string page_head(const std::string& title);
inline constexpr const char* kPageEnd = "</body>\n</html>\n";

/// `style` is a class of the page's style sheet: "answer", "small", "wrong", "".
[[nodiscard]] std::string paragraph(const std::string& text, const char* style);

/// The plots, drawn by gnuplot, under a heading. Throws as draw_svg does.
[[nodiscard]] std::string pictures(const std::vector<Plot>& plots);

}  // namespace lockstep::report

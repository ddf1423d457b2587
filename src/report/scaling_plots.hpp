// The plots of a sweep, as gnuplot scripts.
#pragma once

#include <string>
#include <vector>

#include <lockstep/report/scaling_tables.hpp>

namespace lockstep::report {

struct Plot {
  std::string title;
  std::string caption;
  std::string script;  ///< for `draw_svg`
};

/// Colours by Okabe and Ito, which the colour-blind can tell apart; lines also differ in dashes and
/// marks, for print.
[[nodiscard]] std::vector<Plot> scaling_plots(const ScalingReport& report);

}  // namespace lockstep::report

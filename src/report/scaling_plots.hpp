// The plots of a sweep, as gnuplot scripts.
#pragma once

#include <vector>

#include <lockstep/report/scaling_tables.hpp>

#include "plot_style.hpp"

namespace lockstep::report {

[[nodiscard]] std::vector<Plot> scaling_plots(const ScalingReport& report);

}  // namespace lockstep::report

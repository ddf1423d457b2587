// The plots of runs, as gnuplot scripts.
#pragma once

#include <vector>

#include <lockstep/report/run.hpp>

#include "plot_style.hpp"

namespace lockstep::report {

/// Plots of what the runs have recorded; a run keeps its colour and dashes in all of them.
[[nodiscard]] std::vector<Plot> run_plots(const std::vector<Run>& runs);

}  // namespace lockstep::report

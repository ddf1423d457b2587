// A sweep's page: one HTML file that needs nothing else.
#pragma once

#include <string>

#include <lockstep/report/scaling_tables.hpp>

namespace lockstep::report {

/// Why plots cannot be drawn here; empty if they can. They are drawn by gnuplot, which must be on
/// PATH, in a temporary folder.
[[nodiscard]] std::string why_no_plots();

/// Tables, notes and, with `plots`, pictures. Throws RuntimeFailure if gnuplot fails.
[[nodiscard]] std::string scaling_page(const ScalingReport& report, bool plots);

}  // namespace lockstep::report

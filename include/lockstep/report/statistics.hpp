// What can be said from few repeats.
#pragma once

#include <vector>

namespace lockstep::report {

/// A median, and the interval of order statistics around it that holds the true median with
/// `confidence`, without assuming a distribution: with few repeats, from the smallest to the
/// largest.
/// Source: Conover, Practical Nonparametric Statistics, "confidence interval for a quantile".
struct Estimate {
  double median = 0;
  double low = 0;
  double high = 0;
  double confidence = 0;  ///< 0–1; 0 for a single value
};

/// Aims at 95 %; fewer than 6 values cannot reach it. `values` must not be empty.
[[nodiscard]] Estimate estimate(std::vector<double> values);

/// The line y = intercept + slope · x with the least sum of squared relative errors, where neither
/// is negative. For positive y; needs at least one point.
struct Line {
  double intercept = 0;
  double slope = 0;
  double worst_relative_error = 0;  ///< over the points it was fitted to

  [[nodiscard]] double at(double x) const { return intercept + slope * x; }
};
[[nodiscard]] Line fit_line(const std::vector<double>& x, const std::vector<double>& y);

/// y = a · u + b · v, likewise.
struct Plane {
  double a = 0;
  double b = 0;
  double worst_relative_error = 0;
};
[[nodiscard]] Plane fit_plane(const std::vector<double>& u, const std::vector<double>& v,
                              const std::vector<double>& y);

}  // namespace lockstep::report

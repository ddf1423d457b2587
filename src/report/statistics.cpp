#include <algorithm>
#include <cmath>
#include <cstddef>

#include <lockstep/report/statistics.hpp>

namespace lockstep::report {
namespace {

constexpr double kWantedConfidence = 0.95;

/// The probability that the true median lies outside the k-th smallest and k-th largest of n
/// values.
double miss_probability(std::size_t n, std::size_t k) {
  double term = std::pow(0.5, static_cast<double>(n));  // n over i, times that power
  double sum = 0;
  for (std::size_t i = 0; i < k; ++i) {
    sum += term;
    term *= static_cast<double>(n - i) / static_cast<double>(i + 1);
  }
  return 2 * sum;
}

}  // namespace

Estimate estimate(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t n = values.size();
  const double median = n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
  std::size_t k = 1;
  while (2 * (k + 1) <= n && 1 - miss_probability(n, k + 1) >= kWantedConfidence) ++k;
  return {.median = median,
          .low = values[k - 1],
          .high = values[n - k],
          .confidence = n == 1 ? 0 : 1 - miss_probability(n, k)};
}

Plane fit_plane(const std::vector<double>& u, const std::vector<double>& v,
                const std::vector<double>& y) {
  // Divided by y, relative errors become plain ones around 1.
  double uu = 0;
  double uv = 0;
  double vv = 0;
  double u1 = 0;
  double v1 = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    const double s = u[i] / y[i];
    const double t = v[i] / y[i];
    uu += s * s, uv += s * t, vv += t * t, u1 += s, v1 += t;
  }
  const double only_u = uu > 0 ? u1 / uu : 0;
  const double only_v = vv > 0 ? v1 / vv : 0;
  Plane plane;
  const double determinant = uu * vv - uv * uv;
  constexpr double kAlmostDependent = 1e-12;
  if (determinant > kAlmostDependent * uu * vv) {
    plane.a = (u1 * vv - v1 * uv) / determinant;
    plane.b = (v1 * uu - u1 * uv) / determinant;
  }
  // The least sum under a bound lies on the bound.
  if (plane.a <= 0) plane = {.a = 0, .b = only_v};
  if (plane.b <= 0) plane = {.a = only_u, .b = 0};
  for (std::size_t i = 0; i < y.size(); ++i) {
    const double error = (plane.a * u[i] + plane.b * v[i]) / y[i] - 1;
    plane.worst_relative_error = std::max(plane.worst_relative_error, std::abs(error));
  }
  return plane;
}

Line fit_line(const std::vector<double>& x, const std::vector<double>& y) {
  const auto plane = fit_plane(std::vector<double>(x.size(), 1.0), x, y);
  return {
      .intercept = plane.a, .slope = plane.b, .worst_relative_error = plane.worst_relative_error};
}

}  // namespace lockstep::report

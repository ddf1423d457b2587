#include <algorithm>
#include <cmath>

#include <lockstep/metrics/step_timer.hpp>

namespace lockstep::metrics {
namespace {

constexpr double kMillisecondsPerSecond = 1000.0;

double milliseconds(std::chrono::steady_clock::duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

}  // namespace

void StepTimer::begin_step() {
  step_begin_ = phase_begin_ = now_();
}

void StepTimer::end_phase(Phase phase, double excluded_seconds) {
  const auto now = now_();
  const double elapsed =
      milliseconds(now - phase_begin_) - excluded_seconds * kMillisecondsPerSecond;
  phase_begin_ = now;
  switch (phase) {
    case Phase::kData:
      sums_.data_ms += elapsed;
      break;
    case Phase::kForward:
      sums_.forward_ms += elapsed;
      break;
    case Phase::kBackward:
      sums_.backward_ms += elapsed;
      break;
    case Phase::kOptimizer:
      sums_.optimizer_ms += elapsed;
      break;
  }
}

void StepTimer::add_communication(double communication_seconds, double exposed_seconds) {
  sums_.communication_ms += communication_seconds * kMillisecondsPerSecond;
  sums_.exposed_communication_ms += exposed_seconds * kMillisecondsPerSecond;
}

void StepTimer::end_step() {
  step_ms_.push_back(milliseconds(now_() - step_begin_));
}

StepTimes StepTimer::summary() const {
  if (step_ms_.empty()) return {};
  StepTimes means = sums_;
  const auto steps = static_cast<double>(step_ms_.size());
  for (double* sum :
       {&means.data_ms, &means.forward_ms, &means.backward_ms, &means.communication_ms,
        &means.exposed_communication_ms, &means.optimizer_ms}) {
    *sum /= steps;
  }
  auto values = step_ms_;
  means.step_ms_p50 = percentile(values, 50);
  means.step_ms_p95 = percentile(values, 95);
  means.step_ms_p99 = percentile(values, 99);
  return means;
}

void StepTimer::reset() {
  sums_ = {};
  step_ms_.clear();
}

double percentile(std::vector<double>& values, double percent) {
  if (values.empty()) return 0;
  const auto rank =
      static_cast<std::ptrdiff_t>(std::ceil(percent / 100.0 * static_cast<double>(values.size())));
  const auto nth = values.begin() + std::max<std::ptrdiff_t>(rank, 1) - 1;
  std::nth_element(values.begin(), nth, values.end());
  return *nth;
}

}  // namespace lockstep::metrics

#include <algorithm>
#include <cmath>
#include <numeric>

#include <lockstep/metrics/step_timer.hpp>

namespace lockstep::metrics {
namespace {

constexpr double kMillisecondsPerSecond = 1000.0;

double milliseconds(std::chrono::steady_clock::duration duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

const char* phase_name(StepTimer::Phase phase) {
  constexpr std::array kNames = {"data", "forward", "backward", "optimizer"};
  return kNames.at(static_cast<std::size_t>(phase));
}

Distribution distribution_of(std::vector<double> values) {
  if (values.empty()) return {};
  const double sum = std::accumulate(values.begin(), values.end(), 0.0);
  return {.mean = sum / static_cast<double>(values.size()),
          .p50 = percentile(values, 50),
          .p95 = percentile(values, 95),
          .p99 = percentile(values, 99)};
}

}  // namespace

void StepTimer::begin_step() {
  step_begin_ = phase_begin_ = now_();
  current_.fill(0);
}

void StepTimer::end_phase(Phase phase, double excluded_seconds) {
  const auto now = now_();
  current_.at(static_cast<std::size_t>(phase)) +=
      milliseconds(now - phase_begin_) - excluded_seconds * kMillisecondsPerSecond;
  if (trace_ != nullptr) {
    trace_->add(phase_name(phase), phase_begin_,
                std::chrono::duration<double>(now - phase_begin_).count());
  }
  phase_begin_ = now;
}

void StepTimer::add_communication(double communication_seconds, double exposed_seconds) {
  current_[kCommunication] += communication_seconds * kMillisecondsPerSecond;
  current_[kExposedCommunication] += exposed_seconds * kMillisecondsPerSecond;
}

void StepTimer::end_step() {
  current_[kStep] = milliseconds(now_() - step_begin_);
  for (std::size_t i = 0; i < kQuantities; ++i) of_steps_.at(i).push_back(current_.at(i));
}

StepTimes StepTimer::summary() const {
  const auto of_phase = [&](Phase phase) {
    return distribution_of(of_steps_.at(static_cast<std::size_t>(phase)));
  };
  return {.data = of_phase(Phase::kData),
          .forward = of_phase(Phase::kForward),
          .backward = of_phase(Phase::kBackward),
          .communication = distribution_of(of_steps_[kCommunication]),
          .exposed_communication = distribution_of(of_steps_[kExposedCommunication]),
          .optimizer = of_phase(Phase::kOptimizer),
          .step = distribution_of(of_steps_[kStep])};
}

StepSeries StepTimer::series() const {
  return {.step = of_steps_[kStep], .exposed_communication = of_steps_[kExposedCommunication]};
}

void StepTimer::reset() {
  for (auto& values : of_steps_) values.clear();
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

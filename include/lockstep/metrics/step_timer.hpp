// Where a step's time goes.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include <lockstep/metrics/events.hpp>
#include <lockstep/metrics/trace.hpp>

namespace lockstep::metrics {

/// Times the consecutive phases of steps, on the host. One thread.
///
///   timer.begin_step(); … data …; timer.end_phase(Phase::kData); … forward …; …; timer.end_step();
///
/// A phase may end several times in a step (gradient accumulation); its times add up.
class StepTimer {
 public:
  enum class Phase : std::uint8_t { kData, kForward, kBackward, kOptimizer, kPhases };

  using Clock = std::chrono::steady_clock;
  /// `now` reads the clock; tests pass their own.
  explicit StepTimer(std::function<Clock::time_point()> now = Clock::now) : now_(std::move(now)) {}

  void begin_step();
  /// Counts the time since the last begin or end as `phase`, except for `excluded_seconds` of it.
  void end_phase(Phase phase, double excluded_seconds = 0);
  void add_communication(double communication_seconds, double exposed_seconds);
  void end_step();

  /// From now on, also adds phases to `trace`, unless that is null.
  void record_into(TraceRecorder* trace) { trace_ = trace; }

  /// Statistics over the steps since construction or the last `reset`.
  [[nodiscard]] StepTimes summary() const;
  [[nodiscard]] StepSeries series() const;
  void reset();

 private:
  // Phases, followed by:
  enum Quantity : std::uint8_t {
    kCommunication = static_cast<std::uint8_t>(Phase::kPhases),
    kExposedCommunication,
    kStep,
    kQuantities
  };

  std::function<Clock::time_point()> now_;
  TraceRecorder* trace_ = nullptr;
  Clock::time_point step_begin_;
  Clock::time_point phase_begin_;
  std::array<double, kQuantities> current_{};                // of the current step, milliseconds
  std::array<std::vector<double>, kQuantities> of_steps_{};  // of the steps that have ended
};

/// The `percent`-th percentile by the nearest-rank method; 0 without values. Reorders `values`.
[[nodiscard]] double percentile(std::vector<double>& values, double percent);

}  // namespace lockstep::metrics

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
/// A phase may end several times a step (gradient accumulation): its times add up.
class StepTimer {
 public:
  enum class Phase : std::uint8_t { kData, kForward, kBackward, kOptimizer, kPhases };

  using Clock = std::chrono::steady_clock;
  /// `now` reads the clock; tests give one of their own.
  explicit StepTimer(std::function<Clock::time_point()> now = Clock::now) : now_(std::move(now)) {}

  void begin_step();
  /// The time since the last begin or end belongs to `phase`, but for `excluded_seconds` of it.
  void end_phase(Phase phase, double excluded_seconds = 0);
  void add_communication(double communication_seconds, double exposed_seconds);
  void end_step();

  /// From now on phases are also added to `trace`; null: to none.
  void record_into(TraceRecorder* trace) { trace_ = trace; }

  /// Figures over the steps since construction or the last `reset`.
  [[nodiscard]] StepTimes summary() const;
  [[nodiscard]] StepSeries series() const;
  void reset();

 private:
  // Phases, and behind them:
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
  std::array<double, kQuantities> current_{};                // of the step under way, milliseconds
  std::array<std::vector<double>, kQuantities> of_steps_{};  // of those that have ended
};

/// The `percent`-th percentile by the nearest-rank method; 0 of nothing. Reorders `values`.
[[nodiscard]] double percentile(std::vector<double>& values, double percent);

}  // namespace lockstep::metrics

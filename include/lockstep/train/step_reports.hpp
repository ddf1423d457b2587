// The outcomes of steps, on their way to the sinks.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include <lockstep/metrics/events.hpp>

namespace lockstep::train {

/// Collects the reports of steps while their time is measured, and passes them on afterwards. One
/// thread.
class StepReports {
 public:
  using Clock = std::chrono::steady_clock;

  /// An epoch, or the rest of it, begins at `now`, after `samples` of its samples.
  void begin_epoch(Clock::time_point now, std::int64_t samples);
  void add(const metrics::StepEnd& end) { ended_.push_back(end); }
  /// The last step added is to be logged too.
  void log_last(double learning_rate, std::optional<double> gradient_norm);
  /// Passes on everything that was added, in order.
  void tell(metrics::EventSink& events);

 private:
  std::vector<metrics::StepEnd> ended_;
  std::vector<metrics::TrainStep> lines_;  // for some of those
  Clock::time_point last_line_;
  std::int64_t last_line_samples_ = 0;
};

}  // namespace lockstep::train

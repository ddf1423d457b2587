// What steps have come to, on its way to those who want to know.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include <lockstep/metrics/events.hpp>

namespace lockstep::train {

/// Collects the reports of steps inside their time, and passes them on outside of it. One thread.
class StepReports {
 public:
  using Clock = std::chrono::steady_clock;

  /// An epoch, or the rest of it, begins at `now`, behind `samples` of its samples.
  void begin_epoch(Clock::time_point now, std::int64_t samples);
  void add(const metrics::StepEnd& end) { ended_.push_back(end); }
  /// The last step that was added is to be logged too.
  void log_last(double learning_rate, std::optional<double> gradient_norm);
  /// Tells all that was added, in order.
  void tell(metrics::EventSink& events);

 private:
  std::vector<metrics::StepEnd> ended_;
  std::vector<metrics::TrainStep> lines_;  // of some of those
  Clock::time_point last_line_;
  std::int64_t last_line_samples_ = 0;
};

}  // namespace lockstep::train

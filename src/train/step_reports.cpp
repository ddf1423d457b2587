#include <lockstep/train/step_reports.hpp>

namespace lockstep::train {

void StepReports::begin_epoch(Clock::time_point now, std::int64_t samples) {
  last_line_ = now;
  last_line_samples_ = samples;
}

void StepReports::log_last(double learning_rate, std::optional<double> gradient_norm) {
  const auto& end = ended_.back();
  const auto now = Clock::now();
  const double seconds = std::chrono::duration<double>(now - last_line_).count();
  lines_.push_back(
      {.epoch = end.epoch,
       .step = end.step,
       .samples = end.samples,
       .samples_per_epoch = end.samples_per_epoch,
       .loss = end.loss,
       .learning_rate = learning_rate,
       .images_per_second = static_cast<double>(end.samples - last_line_samples_) / seconds,
       .gradient_norm = gradient_norm});
  last_line_ = now;
  last_line_samples_ = end.samples;
}

void StepReports::tell(metrics::EventSink& events) {
  auto line = lines_.begin();
  for (const auto& end : ended_) {
    events.on(end);
    if (line != lines_.end() && line->step == end.step) events.on(*line++);
  }
  ended_.clear();
  lines_.clear();
}

}  // namespace lockstep::train

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include <fmt/format.h>

#include <lockstep/metrics/sinks.hpp>

namespace lockstep::metrics {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kBetweenDrawings = std::chrono::milliseconds(100);
// By then, what was printed has reached the terminal, even through mpirun; earlier, it would tear
// the line.
constexpr auto kBehindOutput = std::chrono::milliseconds(30);
constexpr int kWidestBar = 40;
constexpr int kNarrowestBar = 8;

double seconds_between(Clock::time_point a, Clock::time_point b) {
  return std::chrono::duration<double>(b - a).count();
}

/// "1:05", "2:03:07", "3 d 04:05".
std::string duration_text(double seconds) {
  if (!std::isfinite(seconds)) return "?";
  constexpr double kMaxSeconds = 999.0 * 86400;
  const auto whole = static_cast<long>(std::min(std::ceil(seconds), kMaxSeconds));
  const long minutes = whole / 60;
  const long hours = minutes / 60;
  if (hours >= 24) return fmt::format("{} d {:02}:{:02}", hours / 24, hours % 24, minutes % 60);
  if (hours > 0) return fmt::format("{}:{:02}:{:02}", hours, minutes % 60, whole % 60);
  return fmt::format("{}:{:02}", minutes, whole % 60);
}

std::string bar(double share, int width) {
  const int done = std::clamp(static_cast<int>(share * width), 0, width);
  return fmt::format("[{}{}] ", std::string(static_cast<std::size_t>(done), '#'),
                     std::string(static_cast<std::size_t>(width - done), '.'));
}

class ProgressSink final : public EventSink {
 public:
  ProgressSink(Terminal terminal, std::function<Clock::time_point()> now)
      : line_(std::move(terminal)), now_(std::move(now)) {}
  using EventSink::on;

  void on(const RunStart& event) override {
    run_ = event;
    start_ = now_();
  }
  void on(const StepEnd& event) override {
    const auto now = now_();
    if (now < last_drawn_ + kBetweenDrawings || now < last_output_ + kBehindOutput) return;
    line_.show(text(event, now));
    last_drawn_ = now;
  }
  void on(const EpochStart& /*event*/) override {
    make_way();
    images_ = 0;
    speed_ = 0;
    measured_ = now_();
  }
  void on(const TrainStep& /*event*/) override { make_way(); }
  void on(const EpochEnd& /*event*/) override { make_way(); }
  void on(const Evaluation& /*event*/) override { make_way(); }
  void on(const CheckpointEvent& /*event*/) override { make_way(); }
  void on(const Warning& /*event*/) override { make_way(); }
  void on(const RunEnd& /*event*/) override { make_way(); }

 private:
  /// Clears the line before somebody prints.
  void make_way() {
    line_.clear();
    last_output_ = now_();
  }

  /// Images per second; recent seconds weigh more than earlier ones.
  double speed(const StepEnd& event, Clock::time_point now) {
    constexpr double kOfTheNewest = 0.3;
    const double seconds = seconds_between(measured_, now);
    // After a resume in the middle of an epoch, the first step shows where that was.
    const bool first = images_ == 0 && speed_ == 0;
    const auto begin =
        first ? std::max(event.samples - since_start(event), std::int64_t{0}) : images_;
    const double newest = static_cast<double>(event.samples - begin) / std::max(seconds, 1e-9);
    speed_ = speed_ == 0 ? newest : (1 - kOfTheNewest) * speed_ + kOfTheNewest * newest;
    images_ = event.samples;
    measured_ = now;
    return speed_;
  }
  [[nodiscard]] std::int64_t since_start(const StepEnd& event) const {
    return (event.step - run_.steps_before) * run_.global_batch_size;
  }

  std::string text(const StepEnd& event, Clock::time_point now) {
    const auto steps = static_cast<double>(event.step - run_.steps_before);
    const double seconds_left = seconds_between(start_, now) / std::max(steps, 1.0) *
                                static_cast<double>(run_.total_steps - event.step);
    const double share =
        std::min(1.0, static_cast<double>(event.samples) /
                          static_cast<double>(std::max<std::int64_t>(event.samples_per_epoch, 1)));
    const auto front = fmt::format("epoch {}/{} ", event.epoch, run_.epochs);
    const auto back =
        fmt::format("{:3.0f} %  {:.0f} images/s  loss {:.4f}  {} left", std::floor(100 * share),
                    speed(event, now), event.loss, duration_text(seconds_left));
    const int room = line_.columns() - static_cast<int>(front.size() + back.size()) - 4;
    if (room < kNarrowestBar) return front + back;
    return front + bar(share, std::min(room, kWidestBar)) + back;
  }

  StatusLine line_;
  std::function<Clock::time_point()> now_;
  RunStart run_;
  Clock::time_point start_;
  Clock::time_point last_drawn_;
  Clock::time_point last_output_;
  Clock::time_point measured_;  // when images_ was updated
  std::int64_t images_ = 0;     // of the epoch at that time
  double speed_ = 0;
};

}  // namespace

std::unique_ptr<EventSink> make_progress_sink(Terminal terminal,
                                              std::function<Clock::time_point()> now) {
  return std::make_unique<ProgressSink>(std::move(terminal), std::move(now));
}

}  // namespace lockstep::metrics

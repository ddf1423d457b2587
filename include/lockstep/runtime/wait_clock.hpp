// The time that a wait takes, and may take.
#pragma once

#include <algorithm>
#include <chrono>

namespace lockstep::runtime {

/// Counts from construction, but for time in which the job was suspended as a whole: what is longer
/// than a second between two questions counts as a second. One thread.
class AwakeClock {
 public:
  /// Ask at least once a second.
  [[nodiscard]] double seconds() {
    constexpr std::chrono::duration<double> kLongestLook = std::chrono::seconds(1);
    const auto now = Clock::now();
    passed_ += std::min<std::chrono::duration<double>>(now - last_, kLongestLook);
    last_ = now;
    return passed_.count();
  }

 private:
  using Clock = std::chrono::steady_clock;
  std::chrono::duration<double> passed_{0};
  Clock::time_point last_ = Clock::now();
};

/// A limit on an AwakeClock: while the job is suspended, the others cannot come either. One thread.
class WaitClock {
 public:
  explicit WaitClock(std::chrono::duration<double> limit) : limit_(limit) {}

  /// True once the limit has passed. Ask at least once a second.
  [[nodiscard]] bool expired() { return clock_.seconds() >= limit_.count(); }

 private:
  std::chrono::duration<double> limit_;
  AwakeClock clock_;
};

}  // namespace lockstep::runtime

// Measuring and limiting the time of a wait.
#pragma once

#include <algorithm>
#include <chrono>

namespace lockstep::runtime {

/// Counts from construction, without time in which the whole job was suspended: more than a second
/// between two calls counts as a second. One thread.
class AwakeClock {
 public:
  /// Call at least once a second.
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

/// A time limit by an AwakeClock: while the job is suspended, the other ranks cannot come either.
/// One thread.
class WaitClock {
 public:
  explicit WaitClock(std::chrono::duration<double> limit) : limit_(limit) {}

  /// True once the limit has passed. Call at least once a second.
  [[nodiscard]] bool expired() { return clock_.seconds() >= limit_.count(); }

 private:
  std::chrono::duration<double> limit_;
  AwakeClock clock_;
};

}  // namespace lockstep::runtime

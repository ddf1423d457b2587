// The time that a wait may take.
#pragma once

#include <algorithm>
#include <chrono>

namespace lockstep::runtime {

/// Counts from construction, but for time in which the job was suspended as a whole: then the
/// others could not come either. One thread.
class WaitClock {
 public:
  explicit WaitClock(std::chrono::duration<double> limit) : left_(limit) {}

  /// True once the limit has passed. Ask at least once a second: what is longer between two
  /// questions counts as suspension.
  [[nodiscard]] bool expired() {
    constexpr std::chrono::duration<double> kLongestLook = std::chrono::seconds(1);
    const auto now = Clock::now();
    left_ -= std::min<std::chrono::duration<double>>(now - last_, kLongestLook);
    last_ = now;
    return left_.count() <= 0;
  }

 private:
  using Clock = std::chrono::steady_clock;
  std::chrono::duration<double> left_;
  Clock::time_point last_ = Clock::now();
};

}  // namespace lockstep::runtime

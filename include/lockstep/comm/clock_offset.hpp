// How far the clocks of the ranks' hosts are apart.
#pragma once

#include <vector>

#include <lockstep/comm/communicator.hpp>

namespace lockstep::comm {

/// A rank's steady clock, in seconds, before and after a barrier.
struct BarrierTime {
  double before = 0;
  double after = 0;
};

struct ClockOffset {
  double seconds = 0;      ///< by which the clock is ahead of the other
  double uncertainty = 0;  ///< either way; for certain, but for the clocks' drift meanwhile
};

/// Of `mine` against `other`, which are of the same barriers. In the moment in which the last rank
/// comes to a barrier, all ranks are inside, so each barrier bounds the offset from both sides;
/// what all of them allow remains. Zero if that is allowed: ranks of a host share their clock.
/// Source: K. Marzullo, "Maintaining the time in a distributed system" (1984): intersection of
/// intervals.
[[nodiscard]] ClockOffset clock_offset(const std::vector<BarrierTime>& mine,
                                       const std::vector<BarrierTime>& other);

/// Collective. Of this rank's steady clock against rank 0's, by some barriers.
[[nodiscard]] ClockOffset measure_clock_offset(Communicator& communicator);

}  // namespace lockstep::comm

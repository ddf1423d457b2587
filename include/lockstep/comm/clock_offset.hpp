// How far apart the clocks of the ranks' hosts are.
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
  double seconds = 0;      ///< by how much the clock is ahead of the other
  double uncertainty = 0;  ///< plus or minus; certain, except for clock drift in the meantime
};

/// The offset of `mine` against `other`, both for the same barriers. When the last rank enters a
/// barrier, all ranks are inside, so each barrier bounds the offset from both sides; the result is
/// the middle of the range that all barriers allow, or zero if the range contains it: ranks of a
/// host share their clock.
/// Source: K. Marzullo, "Maintaining the time in a distributed system" (1984): intersection of
/// intervals.
[[nodiscard]] ClockOffset clock_offset(const std::vector<BarrierTime>& mine,
                                       const std::vector<BarrierTime>& other);

/// Collective. The offset of this rank's steady clock against rank 0's, from several barriers.
[[nodiscard]] ClockOffset measure_clock_offset(Communicator& communicator);

}  // namespace lockstep::comm

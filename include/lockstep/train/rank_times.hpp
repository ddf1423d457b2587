// Which rank is the slowest, and at what.
#pragma once

#include <lockstep/comm/communicator.hpp>
#include <lockstep/metrics/events.hpp>
#include <lockstep/runtime/rank_layout.hpp>

namespace lockstep::train {

/// Collective. From every rank's own step times, waiting for others left out: the rank that was
/// busy longest, and the phase in which it lost most against the median rank.
[[nodiscard]] metrics::SlowestRank find_slowest_rank(const metrics::StepTimes& mine,
                                                     comm::Communicator& communicator,
                                                     const runtime::RankLayout& layout);

}  // namespace lockstep::train

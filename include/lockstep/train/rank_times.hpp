// Which rank is the slowest, and in which phase.
#pragma once

#include <lockstep/comm/communicator.hpp>
#include <lockstep/metrics/events.hpp>
#include <lockstep/runtime/rank_layout.hpp>

namespace lockstep::train {

/// Collective. Finds, from every rank's own step times without waiting for others, the rank that
/// was busy longest, and the phase in which it lost most against the median rank.
[[nodiscard]] metrics::SlowestRank find_slowest_rank(const metrics::StepTimes& mine,
                                                     comm::Communicator& communicator,
                                                     const runtime::RankLayout& layout);

}  // namespace lockstep::train

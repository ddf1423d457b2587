// How weights and gradients are distributed.
#pragma once

#include <cstdint>

#include <lockstep/metrics/events.hpp>
#include <lockstep/model/network.hpp>
#include <lockstep/sync/gradient_reducer.hpp>

namespace lockstep::train {

/// Histograms of each parameter ("weights/<name>") and of its gradient in the previous step
/// ("gradients/<name>", summed over ranks, clipped), after `steps` steps. On a GPU, waits for it.
/// One thread, between two steps.
[[nodiscard]] metrics::Histograms histograms_of(const model::NetworkPtr& network,
                                                const sync::GradientReducer& reducer,
                                                std::int64_t steps);

}  // namespace lockstep::train

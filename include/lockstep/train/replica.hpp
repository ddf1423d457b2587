// What has to be the same on all ranks: everything that a checkpoint keeps of the model.
#pragma once

#include <cstdint>
#include <vector>

#include <lockstep/model/network.hpp>
#include <lockstep/sync/gradient_reducer.hpp>
#include <lockstep/train/flat_optimizer.hpp>

namespace lockstep::train {

/// A rank's parameters and buffers, and the optimizer's state for each parameter. Everything
/// referred to must outlive it. One thread.
class Replica {
 public:
  Replica(const model::NetworkPtr& network, const sync::GradientReducer& reducer,
          FlatOptimizer& optimizer)
      : network_(network), reducer_(reducer), optimizer_(optimizer) {}

  /// Parameters under their names, buffers under theirs, then "optimizer.<kind>.<parameter>" for
  /// each parameter: copies on the CPU, contiguous, float32 except for buffers. On a GPU, waits for
  /// it.
  [[nodiscard]] std::vector<model::NamedTensor> state() const;
  /// Restores what `state` gave after `steps` steps. Throws DataError naming the first tensor that
  /// is missing, unknown or of another shape or type; nothing has changed then.
  void restore(const std::vector<model::NamedTensor>& state, std::int64_t steps);

 private:
  const model::NetworkPtr& network_;
  const sync::GradientReducer& reducer_;
  FlatOptimizer& optimizer_;
};

}  // namespace lockstep::train

// A small network trained for a few steps: the job of the tests of GPU paths.
#pragma once

#include <string>

#include <torch/torch.h>

#include <lockstep/train/trainer.hpp>

namespace lockstep::tests {

/// Several buckets a step, uneven shares at 4 ranks, accumulation, clipping.
[[nodiscard]] train::TrainOptions small_run();

/// What came of it: all weights one after another, float32 on the CPU.
struct SmallResult {
  torch::Tensor weights;
  std::string digest;
  metrics::Evaluation test;
};

/// Initial weights, the same on every rank.
[[nodiscard]] model::NetworkPtr small_network();

/// Collective; the network is on the device.
[[nodiscard]] SmallResult train_small(const model::NetworkPtr& network,
                                      const train::TrainOptions& options,
                                      comm::Communicator& control, comm::Communicator& gradients,
                                      runtime::ComputeStream& compute, const torch::Device& device,
                                      metrics::EventSink& events);
/// The same from initial weights.
[[nodiscard]] SmallResult train_small(const train::TrainOptions& options,
                                      comm::Communicator& control, comm::Communicator& gradients,
                                      runtime::ComputeStream& compute, const torch::Device& device,
                                      metrics::EventSink& events);

class NoEvents final : public metrics::EventSink {};

}  // namespace lockstep::tests

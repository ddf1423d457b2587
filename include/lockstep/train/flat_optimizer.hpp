// LibTorch's optimizers over the whole model as one tensor.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <torch/torch.h>

#include <lockstep/model/network.hpp>
#include <lockstep/train/optimizer_kind.hpp>
#include <lockstep/train/weight_average.hpp>

namespace lockstep::train {

/// One call per step for the whole model: every optimizer here works element by element, so a
/// single flat tensor gives each parameter the result that it would get on its own. `parameters`
/// and `gradients` are float32 [elements] and belong to the gradient reducer.
/// Source: https://docs.pytorch.org/docs/stable/optim.html#algorithms
class FlatOptimizer {
 public:
  FlatOptimizer(const OptimizationOptions& options, torch::Tensor parameters,
                const torch::Tensor& gradients);

  /// From now on steps leave the gradients as they are.
  void keep_gradients() { clears_gradients_ = false; }

  /// Clips the gradients to the global norm, if one was asked for, takes a step, and brings the
  /// average of the weights up to date.
  void step(double learning_rate);

  /// Whether every step leaves all gradients at zero: plain SGD on a CPU does so in the same pass
  /// over memory, unless they are to be kept.
  [[nodiscard]] bool clears_gradients() const { return clears_gradients_; }

  /// The average of the weights; null if none was asked for.
  [[nodiscard]] WeightAverage* average() { return average_ ? &*average_ : nullptr; }

  /// What the optimizer keeps from step to step, under PyTorch's names ("exp_avg"), and the average
  /// of the weights ("ema"): float32 [elements] each, in its own memory. Empty before the first
  /// step, and for plain SGD without an average.
  [[nodiscard]] std::vector<model::NamedTensor> state() const;
  /// The names that `state` gives after a step.
  [[nodiscard]] std::vector<std::string> state_names() const;
  /// Continues from what `state` gave after `steps` steps; the values are copied.
  void restore(const std::vector<model::NamedTensor>& state, std::int64_t steps);

 private:
  void clip_gradients();

  OptimizationOptions options_;
  torch::Tensor parameters_;
  const OptimizerKind& kind_;
  bool clears_gradients_;
  std::unique_ptr<torch::optim::Optimizer> optimizer_;
  std::optional<WeightAverage> average_;
};

}  // namespace lockstep::train

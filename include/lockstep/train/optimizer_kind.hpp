// The optimizers that can be named. A new one takes a file in src/train/optimizers and a line in
// src/train/optimizer_kinds.cpp.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <torch/torch.h>

#include <lockstep/train/options.hpp>

namespace lockstep::train {

/// One of LibTorch's optimizers, over the whole model as one parameter: it must work element by
/// element. The functions have no state; any thread.
struct OptimizerKind {
  using State = torch::optim::OptimizerParamState;
  using StateTensors = std::vector<std::pair<std::string, torch::Tensor*>>;

  std::string name;
  bool takes_momentum = false;
  bool takes_nesterov = false;
  double weight_decay = 0;  ///< PyTorch's default
  std::unique_ptr<torch::optim::Optimizer> (*make)(const torch::Tensor& parameters,
                                                   const OptimizationOptions& options) = nullptr;
  /// Makes its state after `steps` steps, still empty.
  std::unique_ptr<State> (*make_state)(std::int64_t steps) = nullptr;
  /// The tensors of such a state that are in use, with PyTorch's names.
  StateTensors (*tensors_of)(State& state, const OptimizationOptions& options) = nullptr;
  /// Whether a step is parameters −= lr · gradients and nothing more.
  bool (*is_plain)(const OptimizationOptions& options) = [](const OptimizationOptions&) {
    return false;
  };
};

/// All kinds, the default first.
[[nodiscard]] const std::vector<OptimizerKind>& optimizer_kinds();

/// The kind that `options` name. Throws UsageError if there is none.
[[nodiscard]] const OptimizerKind& optimizer_kind(const OptimizationOptions& options);

}  // namespace lockstep::train

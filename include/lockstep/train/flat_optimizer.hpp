// LibTorch's optimizers over the whole model as one tensor.
#pragma once

#include <memory>

#include <torch/torch.h>

#include <lockstep/train/options.hpp>

namespace lockstep::train {

/// One call a step for the whole model: every optimizer here works element by element, so a single
/// flat tensor gives each parameter the result that it would get on its own.
/// `parameters` and `gradients` are float32 [elements] and belong to the gradient reducer.
/// Source: https://docs.pytorch.org/docs/stable/optim.html#algorithms
class FlatOptimizer {
 public:
  FlatOptimizer(const OptimizationOptions& options, torch::Tensor parameters,
                const torch::Tensor& gradients);

  /// Clips the gradients to the global norm asked for, if one is, and takes a step.
  void step(double learning_rate);

 private:
  void clip_gradients();

  double clip_grad_norm_;
  torch::Tensor parameters_;
  std::unique_ptr<torch::optim::Optimizer> optimizer_;
};

}  // namespace lockstep::train

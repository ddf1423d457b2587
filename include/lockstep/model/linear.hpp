// A linear layer that computes its weight gradient in place.
#pragma once

#include <torch/torch.h>

namespace lockstep::model {

/// torch::nn::Linear with the same parameters, initial weights and results: input [B, in] float32 →
/// [B, out]. If `weight.grad` is defined when backward runs, the matrix product adds to it in
/// place: no temporary as large as the weights, and no second pass over memory to add it.
/// Accumulator hooks fire as usual. Always has a bias; supports neither gradients of gradients nor
/// autocast.
/// Source: the gradient accumulation fusion of M. Shoeybi et al., "Megatron-LM".
class LinearImpl : public torch::nn::LinearImpl {
 public:
  using torch::nn::LinearImpl::LinearImpl;

  /// From now on, computes as under autocast: input and a copy of the parameters are rounded to
  /// bfloat16, and products and output [B, out] are bfloat16; parameters and their gradients stay
  /// float32.
  /// Source: P. Micikevicius et al., "Mixed Precision Training", arXiv:1710.03740.
  void use_bfloat16() { bfloat16_ = true; }

  torch::Tensor forward(const torch::Tensor& input);

 private:
  bool bfloat16_ = false;
};
TORCH_MODULE(Linear);

}  // namespace lockstep::model

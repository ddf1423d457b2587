// A linear layer whose weight gradient is computed where it is to lie.
#pragma once

#include <torch/torch.h>

namespace lockstep::model {

/// torch::nn::Linear with the same parameters, initial weights and results: input [B, in] float32 →
/// [B, out]. Where `weight.grad` is defined when backward runs, the matrix product adds to it in
/// place: no temporary as large as the weights, no second pass over memory to add it. Accumulator
/// hooks fire as usual. With bias; not for gradients of gradients, nor under autocast.
/// Source: M. Shoeybi et al., "Megatron-LM", its gradient accumulation fusion.
class LinearImpl : public torch::nn::LinearImpl {
 public:
  using torch::nn::LinearImpl::LinearImpl;
  torch::Tensor forward(const torch::Tensor& input);
};
TORCH_MODULE(Linear);

}  // namespace lockstep::model

// The tensors of a module under their names, as files and checkpoints hold them.
#pragma once

#include <string>
#include <vector>

#include <torch/torch.h>

namespace lockstep::model {

struct NamedTensor {
  std::string name;
  torch::Tensor value;
};

/// In registration order.
[[nodiscard]] std::vector<NamedTensor> named_parameters(const torch::nn::Module& module);
/// In registration order: running statistics and whatever else is no parameter.
[[nodiscard]] std::vector<NamedTensor> named_buffers(const torch::nn::Module& module);
/// All that training changes: the parameters, then the buffers.
[[nodiscard]] std::vector<NamedTensor> named_state(const torch::nn::Module& module);

/// SHA-256 over all parameters as float32 little-endian, then all buffers as they are, both in
/// registration order; hexadecimal.
[[nodiscard]] std::string parameters_sha256(const torch::nn::Module& module);

}  // namespace lockstep::model

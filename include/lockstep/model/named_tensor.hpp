// The tensors of a module with their names, as in files and checkpoints.
#pragma once

#include <string>
#include <vector>

#include <torch/torch.h>

namespace lockstep::model {

struct NamedTensor {
  std::string name;
  torch::Tensor value;
};

/// The parameters, in registration order.
[[nodiscard]] std::vector<NamedTensor> named_parameters(const torch::nn::Module& module);
/// The buffers, in registration order: running statistics and all else that is not a parameter.
[[nodiscard]] std::vector<NamedTensor> named_buffers(const torch::nn::Module& module);
/// Everything that training changes: the parameters, then the buffers.
[[nodiscard]] std::vector<NamedTensor> named_state(const torch::nn::Module& module);

/// SHA-256 over all parameters as float32 little-endian, then all buffers as they are, both in
/// registration order; hexadecimal.
[[nodiscard]] std::string parameters_sha256(const torch::nn::Module& module);

}  // namespace lockstep::model

// The tutorial's model: a multi-layer perceptron under the tutorial's parameter names.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <torch/torch.h>

namespace lockstep::model {

/// Flatten → Linear(inputs, hidden[0]) → ReLU → … → Linear(hidden[last], outputs). Parameters are
/// named linear_relu_stack.0.weight, .0.bias, .2.weight, …: Python's `NeuralNetwork` of the
/// tutorial loads them as they are.
/// Source: https://docs.pytorch.org/tutorials/beginner/basics/optimization_tutorial.html
class NeuralNetworkImpl : public torch::nn::Module {
 public:
  NeuralNetworkImpl(std::int64_t inputs, const std::vector<std::int64_t>& hidden,
                    std::int64_t outputs);

  /// images [B, inputs] (or [B, …] with that many elements each) float32 → logits [B, outputs]
  /// float32.
  torch::Tensor forward(const torch::Tensor& images);

  /// From now on all layers compute in bfloat16; see Linear.
  void use_bfloat16();

 private:
  torch::nn::Sequential linear_relu_stack_;
};
TORCH_MODULE(NeuralNetwork);

/// A parameter and its name, in registration order.
struct NamedParameter {
  std::string name;
  torch::Tensor value;
};

/// The network with the initial weights that Python gets from torch.manual_seed(seed): the same
/// bits. Seeds LibTorch's global CPU generator.
[[nodiscard]] NeuralNetwork make_neural_network(std::int64_t inputs,
                                                const std::vector<std::int64_t>& hidden,
                                                std::int64_t outputs, std::uint64_t seed);

[[nodiscard]] std::vector<NamedParameter> named_parameters(const torch::nn::Module& module);

/// SHA-256 over all parameters in registration order, as float32 little-endian; hexadecimal.
[[nodiscard]] std::string parameters_sha256(const torch::nn::Module& module);

}  // namespace lockstep::model

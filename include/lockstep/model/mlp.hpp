// The tutorial's model: a multi-layer perceptron with the tutorial's parameter names.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <lockstep/model/network.hpp>
#include <lockstep/model/weights.hpp>

namespace lockstep::model {

/// Flatten → Linear(inputs, hidden[0]) → ReLU → … → Linear(hidden[last], outputs). Parameters are
/// named linear_relu_stack.0.weight, .0.bias, .2.weight, …, so the tutorial's `NeuralNetwork` in
/// Python loads them as they are.
/// Source: https://docs.pytorch.org/tutorials/beginner/basics/optimization_tutorial.html
class Mlp final : public Network {
 public:
  Mlp(std::int64_t inputs, const std::vector<std::int64_t>& hidden, std::int64_t outputs);

  /// inputs [B, …] float32, each with as many elements as the first layer is wide.
  torch::Tensor forward(const torch::Tensor& inputs) override;
  [[nodiscard]] bool draws_random_numbers() const override { return false; }
  bool use_bfloat16() override;
  [[nodiscard]] std::vector<LinearShape> linear_layers() const override { return layers_; }
  [[nodiscard]] Misfit explain_misfit(const std::vector<NamedTensor>& tensors) const override;

 private:
  std::vector<LinearShape> layers_;
  torch::nn::Sequential linear_relu_stack_;
};

/// Makes an Mlp with the initial weights that Python gets from torch.manual_seed(seed), bit for
/// bit. Seeds LibTorch's global CPU generator.
[[nodiscard]] std::shared_ptr<Mlp> make_mlp(std::int64_t inputs,
                                            const std::vector<std::int64_t>& hidden,
                                            std::int64_t outputs, std::uint64_t seed);

/// Makes an Mlp with these weights, whatever their hidden widths. Throws DataError.
[[nodiscard]] std::shared_ptr<Mlp> make_mlp(const Weights& weights, std::int64_t inputs,
                                            std::int64_t outputs);

/// The hidden widths of an Mlp with these tensors. Throws DataError naming the first tensor that
/// does not fit an Mlp with `inputs` and `outputs`.
[[nodiscard]] std::vector<std::int64_t> hidden_widths_of(const std::vector<NamedTensor>& tensors,
                                                         std::int64_t inputs, std::int64_t outputs,
                                                         const std::filesystem::path& path);

}  // namespace lockstep::model

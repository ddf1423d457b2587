#include <bit>
#include <cstddef>
#include <span>

#include <lockstep/base/sha256.hpp>
#include <lockstep/model/linear.hpp>
#include <lockstep/model/neural_network.hpp>

namespace lockstep::model {

static_assert(std::endian::native == std::endian::little,
              "weights are hashed and stored as they lie in memory");

NeuralNetworkImpl::NeuralNetworkImpl(std::int64_t inputs, const std::vector<std::int64_t>& hidden,
                                     std::int64_t outputs) {
  torch::nn::Sequential stack;
  std::int64_t width = inputs;
  for (const std::int64_t next : hidden) {
    stack->push_back(Linear(width, next));
    stack->push_back(torch::nn::ReLU(torch::nn::ReLUOptions().inplace(true)));
    width = next;
  }
  stack->push_back(Linear(width, outputs));
  linear_relu_stack_ = register_module("linear_relu_stack", stack);
}

torch::Tensor NeuralNetworkImpl::forward(const torch::Tensor& images) {
  const auto logits = linear_relu_stack_->forward(images.flatten(1));
  return logits.scalar_type() == torch::kFloat32 ? logits : logits.to(torch::kFloat32);
}

void NeuralNetworkImpl::use_bfloat16() {
  for (const auto& layer : linear_relu_stack_->children()) {
    if (auto* const linear = layer->as<LinearImpl>()) linear->use_bfloat16();
  }
}

NeuralNetwork make_neural_network(std::int64_t inputs, const std::vector<std::int64_t>& hidden,
                                  std::int64_t outputs, std::uint64_t seed) {
  torch::manual_seed(seed);
  NeuralNetwork network(inputs, hidden, outputs);
  return network;
}

std::vector<NamedParameter> named_parameters(const torch::nn::Module& module) {
  std::vector<NamedParameter> parameters;
  for (const auto& item : module.named_parameters()) {
    parameters.push_back({item.key(), item.value()});
  }
  return parameters;
}

std::string parameters_sha256(const torch::nn::Module& module) {
  Sha256 digest;
  for (const auto& parameter : named_parameters(module)) {
    const auto values = parameter.value.detach().to(torch::kCPU, torch::kFloat32).contiguous();
    digest.update(std::as_bytes(
        std::span(values.data_ptr<float>(), static_cast<std::size_t>(values.numel()))));
  }
  return to_hex(digest.finish());
}

}  // namespace lockstep::model

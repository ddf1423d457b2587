#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <lockstep/base/error.hpp>
#include <lockstep/model/safetensors.hpp>

namespace lockstep::model {
namespace {

const NamedParameter* find(const std::vector<NamedParameter>& tensors, const std::string& name) {
  const auto found =
      std::find_if(tensors.begin(), tensors.end(),
                   [&](const NamedParameter& tensor) { return tensor.name == name; });
  return found == tensors.end() ? nullptr : &*found;
}

}  // namespace

std::vector<std::int64_t> hidden_widths_of(const std::vector<NamedParameter>& tensors,
                                           std::int64_t inputs, std::int64_t outputs,
                                           const std::filesystem::path& path) {
  std::vector<std::int64_t> widths;
  std::int64_t width = inputs;
  for (int layer = 0;; layer += 2) {
    const auto name = fmt::format("linear_relu_stack.{}.weight", layer);
    const auto* weight = find(tensors, name);
    if (weight == nullptr) break;
    if (weight->value.dim() != 2 || weight->value.size(1) != width || weight->value.size(0) == 0) {
      throw DataError(fmt::format("{}: tensor '{}' has shape [{}], expected [*, {}]", path.string(),
                                  name, fmt::join(weight->value.sizes().vec(), ", "), width));
    }
    width = weight->value.size(0);
    widths.push_back(width);
  }
  if (widths.empty() || width != outputs) {
    throw DataError(
        fmt::format("{}: not the weights of this model: no linear_relu_stack ending in {} outputs",
                    path.string(), outputs));
  }
  widths.pop_back();
  return widths;
}

NeuralNetwork read_neural_network(const std::filesystem::path& path, std::int64_t inputs,
                                  std::int64_t outputs) {
  const auto tensors = read_parameters(path);
  auto network =
      make_neural_network(inputs, hidden_widths_of(tensors, inputs, outputs, path), outputs, 0);
  load_parameters(*network, tensors, path);
  return network;
}

void load_parameters(torch::nn::Module& module, const std::vector<NamedParameter>& tensors,
                     const std::filesystem::path& path) {
  const torch::NoGradGuard no_gradients;
  const auto parameters = named_parameters(module);
  for (const auto& tensor : tensors) {
    if (find(parameters, tensor.name) == nullptr) {
      throw DataError(
          fmt::format("{}: the model has no parameter '{}'", path.string(), tensor.name));
    }
  }
  for (const auto& parameter : parameters) {
    const auto* tensor = find(tensors, parameter.name);
    if (tensor == nullptr) {
      throw DataError(fmt::format("{}: parameter '{}' is missing", path.string(), parameter.name));
    }
    if (tensor->value.sizes() != parameter.value.sizes()) {
      throw DataError(fmt::format("{}: '{}' has shape [{}], the model's is [{}]", path.string(),
                                  parameter.name, fmt::join(tensor->value.sizes().vec(), ", "),
                                  fmt::join(parameter.value.sizes().vec(), ", ")));
    }
    torch::Tensor(parameter.value).copy_(tensor->value);
  }
}

}  // namespace lockstep::model

#include <optional>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <lockstep/base/error.hpp>
#include <lockstep/model/linear.hpp>
#include <lockstep/model/mlp.hpp>

#include "mlp_names.hpp"
#include "tensor_list.hpp"

namespace lockstep::model {
namespace {

const NamedTensor* weight_of_layer(const std::vector<NamedTensor>& tensors, int layer) {
  return find_tensor(tensors, fmt::format("{}{}.weight", kLayerPrefix, layer));
}

/// Inputs, hidden widths and outputs of an Mlp; nothing if the tensors are not one.
std::optional<std::vector<std::int64_t>> widths_of(const std::vector<NamedTensor>& tensors) {
  std::vector<std::int64_t> widths;
  for (int layer = 0;; layer += 2) {
    const auto* weight = weight_of_layer(tensors, layer);
    if (weight == nullptr) break;
    if (weight->value.dim() != 2) return std::nullopt;
    if (widths.empty()) widths.push_back(weight->value.size(1));
    if (widths.back() != weight->value.size(1)) return std::nullopt;
    widths.push_back(weight->value.size(0));
  }
  if (widths.empty()) return std::nullopt;
  return widths;
}

std::string hidden_text(const std::vector<std::int64_t>& widths) {
  if (widths.size() == 2) return "none";
  return fmt::format("{}", fmt::join(widths.begin() + 1, widths.end() - 1, ","));
}

/// inputs [B, …] as [B, width].
torch::Tensor rows_of(const torch::Tensor& inputs, std::int64_t width) {
  if (inputs.dim() == 2) return inputs;
  if (inputs.requires_grad() || !inputs.is_contiguous()) {
    return inputs.reshape({inputs.size(0), width});
  }
  // Autograd need not know about a view of what it does not differentiate: 1 % of a small step.
  const at::AutoDispatchBelowADInplaceOrView guard;
  return inputs.view({inputs.size(0), width});
}

}  // namespace

Mlp::Mlp(std::int64_t inputs, const std::vector<std::int64_t>& hidden, std::int64_t outputs) {
  torch::nn::Sequential stack;
  std::int64_t width = inputs;
  for (const std::int64_t next : hidden) {
    layers_.push_back({width, next});
    stack->push_back(Linear(width, next));
    stack->push_back(torch::nn::ReLU(torch::nn::ReLUOptions().inplace(true)));
    width = next;
  }
  layers_.push_back({width, outputs});
  stack->push_back(Linear(width, outputs));
  linear_relu_stack_ = register_module("linear_relu_stack", stack);
}

torch::Tensor Mlp::forward(const torch::Tensor& inputs) {
  const auto rows = rows_of(inputs, layers_[0].in);
  const auto logits = linear_relu_stack_->forward(rows);
  return logits.scalar_type() == torch::kFloat32 ? logits : logits.to(torch::kFloat32);
}

bool Mlp::use_bfloat16() {
  for (const auto& layer : linear_relu_stack_->children()) {
    if (auto* const linear = layer->as<LinearImpl>()) linear->use_bfloat16();
  }
  return true;
}

Misfit Mlp::explain_misfit(const std::vector<NamedTensor>& tensors) const {
  const auto there = widths_of(tensors);
  const auto here = widths_of(model::named_parameters(*this)).value();
  if (!there || *there == here || there->front() != here.front() || there->back() != here.back()) {
    return {};
  }
  Misfit misfit{fmt::format("the file's hidden widths are {}, the model's are {}",
                            hidden_text(*there), hidden_text(here))};
  if (there->size() > 2) misfit.settings = {"hidden"};
  return misfit;
}

std::shared_ptr<Mlp> make_mlp(std::int64_t inputs, const std::vector<std::int64_t>& hidden,
                              std::int64_t outputs, std::uint64_t seed) {
  torch::manual_seed(seed);
  return std::make_shared<Mlp>(inputs, hidden, outputs);
}

std::shared_ptr<Mlp> make_mlp(const Weights& weights, std::int64_t inputs, std::int64_t outputs) {
  auto network = make_mlp(inputs, hidden_widths_of(weights.tensors, inputs, outputs, weights.path),
                          outputs, 0);
  load_state(*network, weights.tensors, weights.path);
  return network;
}

std::vector<std::int64_t> hidden_widths_of(const std::vector<NamedTensor>& tensors,
                                           std::int64_t inputs, std::int64_t outputs,
                                           const std::filesystem::path& path) {
  std::vector<std::int64_t> widths;
  std::int64_t width = inputs;
  for (int layer = 0;; layer += 2) {
    const auto* weight = weight_of_layer(tensors, layer);
    if (weight == nullptr) break;
    if (weight->value.dim() != 2 || weight->value.size(1) != width || weight->value.size(0) == 0) {
      throw DataError(fmt::format("{}: tensor '{}' has shape {}, expected [*, {}]", path.string(),
                                  weight->name, shape_text(weight->value), width));
    }
    width = weight->value.size(0);
    widths.push_back(width);
  }
  if (widths.empty() || width != outputs) {
    std::vector<std::string> names;
    for (const auto& tensor : tensors) {
      names.push_back(fmt::format("'{}' {}", tensor.name, shape_text(tensor.value)));
    }
    throw DataError(fmt::format(
        "{}: not the weights of this model: no linear_relu_stack ending in {} outputs among its "
        "tensors ({})",
        path.string(), outputs, names.empty() ? "none" : listed(names)));
  }
  widths.pop_back();
  return widths;
}

}  // namespace lockstep::model

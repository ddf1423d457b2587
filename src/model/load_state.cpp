#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <lockstep/base/error.hpp>
#include <lockstep/model/weights.hpp>

#include "tensor_list.hpp"

namespace lockstep::model {
namespace {

using Tensors = std::vector<NamedTensor>;
using Texts = std::vector<std::string>;

/// How `tensors` differ from what `state` needs in names and shapes; "" if they do not.
std::string misfits(const Tensors& tensors, const Tensors& state) {
  Texts unknown;
  Texts missing;
  Texts unlike;
  for (const auto& tensor : tensors) {
    if (find_tensor(state, tensor.name) == nullptr)
      unknown.push_back(fmt::format("'{}'", tensor.name));
  }
  for (const auto& parameter : state) {
    const auto* tensor = find_tensor(tensors, parameter.name);
    if (tensor == nullptr) {
      missing.push_back(fmt::format("'{}'", parameter.name));
    } else if (tensor->value.sizes() != parameter.value.sizes()) {
      unlike.push_back(fmt::format("'{}' has shape {}, the model's is {}", parameter.name,
                                   shape_text(tensor->value), shape_text(parameter.value)));
    }
  }
  Texts parts;
  if (!unknown.empty()) {
    parts.push_back(fmt::format("the model has no parameter {}", listed(unknown)));
  }
  if (!missing.empty()) {
    parts.push_back(fmt::format("parameter{} {} {} missing", missing.size() == 1 ? "" : "s",
                                listed(missing), missing.size() == 1 ? "is" : "are"));
  }
  if (!unlike.empty()) parts.push_back(listed(unlike));
  return fmt::format("{}", fmt::join(parts, "; "));
}

/// The position of the first true element.
std::vector<std::int64_t> index_of_first(const torch::Tensor& mask) {
  const auto indices = mask.nonzero()[0].contiguous();
  return {indices.data_ptr<std::int64_t>(), indices.data_ptr<std::int64_t>() + indices.numel()};
}

/// The tensor as float32, with every element finite.
torch::Tensor finite_floats(const NamedTensor& tensor, const std::filesystem::path& path) {
  if (!tensor.value.is_floating_point()) {
    throw DataError(
        fmt::format("{}: '{}' holds elements of type {}: weights are F32, F16, BF16 or "
                    "F64",
                    path.string(), tensor.name, element_type_name(tensor.value)));
  }
  auto floats = tensor.value.to(torch::kFloat32);
  const auto wrong = floats.isfinite().logical_not();
  if (!wrong.any().item<bool>()) return floats;
  const auto index = index_of_first(wrong);
  auto element = tensor.value;
  for (const auto i : index) element = element[i];
  throw DataError(fmt::format(
      "{}: {} of the {} elements of '{}' are not finite as float32, the first at [{}] ({}): such "
      "weights give no answers",
      path.string(), wrong.sum().item<std::int64_t>(), floats.numel(), tensor.name,
      fmt::join(index, ", "), element.item<double>()));
}

}  // namespace

void load_state(Network& network, const Tensors& tensors, const std::filesystem::path& path) {
  const torch::NoGradGuard no_gradients;
  if (auto reason = misfits(tensors, named_state(network)); !reason.empty()) {
    const auto misfit = network.explain_misfit(tensors);
    if (!misfit.explanation.empty()) reason = fmt::format("{} ({})", misfit.explanation, reason);
    throw DataError(fmt::format("{}: {}", path.string(), reason), misfit.settings);
  }
  for (const auto& [name, value] : named_parameters(network)) {
    torch::Tensor(value).copy_(finite_floats(*find_tensor(tensors, name), path));
  }
  for (const auto& [name, value] : named_buffers(network)) {
    torch::Tensor(value).copy_(find_tensor(tensors, name)->value);
  }
}

}  // namespace lockstep::model

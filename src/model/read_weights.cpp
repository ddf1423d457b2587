#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <lockstep/model/weights.hpp>

#include "mlp_names.hpp"

namespace lockstep::model {
namespace {

// From DistributedDataParallel and DataParallel, from torch.compile, and the usual name of a
// network inside another module.
constexpr std::array<std::string_view, 3> kWrappers = {"module.", "_orig_mod.", "model."};

bool all_begin_with(const std::vector<NamedTensor>& tensors, const std::string& prefix) {
  return std::all_of(tensors.begin(), tensors.end(),
                     [&](const NamedTensor& tensor) { return tensor.name.starts_with(prefix); });
}

/// What wrappers have put before every name, if one of the names after it `is_known`.
template <typename IsKnown>
std::string wrapping_of(const std::vector<NamedTensor>& tensors, const IsKnown& is_known) {
  std::string prefix;
  while (!tensors.empty()) {
    if (std::any_of(tensors.begin(), tensors.end(), [&](const NamedTensor& tensor) {
          return tensor.name.starts_with(prefix) &&
                 is_known(std::string_view(tensor.name).substr(prefix.size()));
        })) {
      return prefix;
    }
    const auto* const wrapper = std::find_if(
        kWrappers.begin(), kWrappers.end(),
        [&](std::string_view one) { return all_begin_with(tensors, prefix + std::string(one)); });
    if (wrapper == kWrappers.end()) break;
    prefix += *wrapper;
  }
  return {};
}

std::string wrapping_of(const std::vector<NamedTensor>& tensors, const Network& network) {
  std::set<std::string, std::less<>> names;
  for (const auto& tensor : named_state(network)) names.insert(tensor.name);
  return wrapping_of(tensors, [&](std::string_view name) { return names.contains(name); });
}

void remove_prefix(Weights& weights, const std::string& prefix) {
  if (prefix.empty()) return;
  for (auto& tensor : weights.tensors) tensor.name.erase(0, prefix.size());
  weights.notes.push_back(
      fmt::format("{}: names are used without their prefix '{}'", weights.path.string(), prefix));
}

void remove_optimizer(std::vector<NamedTensor>& tensors) {
  std::erase_if(
      tensors, [](const NamedTensor& tensor) { return tensor.name.starts_with(kOptimizerPrefix); });
}

}  // namespace

std::vector<NamedTensor> read_parameters(const std::filesystem::path& path) {
  auto tensors = read_safetensors(path);
  remove_optimizer(tensors);
  return tensors;
}

Weights read_weights(const std::filesystem::path& path) {
  Weights weights{.path = path};
  weights.tensors = read_safetensors(path, &weights.metadata);
  remove_optimizer(weights.tensors);
  remove_prefix(weights, wrapping_of(weights.tensors, [](std::string_view name) {
                  return name.starts_with(kLayerPrefix);
                }));
  std::set<std::string> types;
  for (const auto& [name, value] : weights.tensors) {
    if (value.is_floating_point() && value.scalar_type() != torch::kFloat32) {
      types.insert(element_type_name(value));
    }
  }
  if (!types.empty()) {
    weights.notes.push_back(fmt::format("{}: weights of type {} are converted to F32 (float32)",
                                        path.string(), fmt::join(types, " and ")));
  }
  return weights;
}

bool fits(const Weights& weights, const Network& network) {
  const auto prefix = wrapping_of(weights.tensors, network);
  std::map<std::string, std::vector<std::int64_t>> theirs;
  for (const auto& [name, value] : weights.tensors) {
    theirs[name.substr(prefix.size())] = value.sizes().vec();
  }
  std::map<std::string, std::vector<std::int64_t>> own;
  for (const auto& [name, value] : named_state(network)) own[name] = value.sizes().vec();
  return theirs == own;
}

std::vector<std::string> load_weights(Network& network, Weights weights) {
  remove_prefix(weights, wrapping_of(weights.tensors, network));
  load_state(network, weights.tensors, weights.path);
  return std::move(weights.notes);
}

}  // namespace lockstep::model

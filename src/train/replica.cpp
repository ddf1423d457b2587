#include <map>
#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <lockstep/base/error.hpp>
#include <lockstep/model/weights.hpp>
#include <lockstep/train/replica.hpp>

namespace lockstep::train {
namespace {

std::string state_name(const std::string& kind, const std::string& parameter) {
  return fmt::format("{}{}.{}", model::kOptimizerPrefix, kind, parameter);
}

/// Hands out tensors by name, shape and type, each only once.
class Store {
 public:
  explicit Store(const std::vector<model::NamedTensor>& tensors) {
    for (const auto& [name, value] : tensors) tensors_[name] = value;
  }

  torch::Tensor take(const std::string& name, const torch::Tensor& like) {
    const auto found = tensors_.find(name);
    if (found == tensors_.end()) throw DataError(fmt::format("tensor '{}' is missing", name));
    auto value = found->second;
    if (value.sizes() != like.sizes()) {
      throw DataError(fmt::format("tensor '{}' has shape [{}], expected [{}]", name,
                                  fmt::join(value.sizes().vec(), ", "),
                                  fmt::join(like.sizes().vec(), ", ")));
    }
    if (value.scalar_type() != like.scalar_type()) {
      throw DataError(fmt::format("tensor '{}' has type {}, expected {}", name,
                                  model::element_type_name(value), model::element_type_name(like)));
    }
    tensors_.erase(found);
    return value;
  }
  void require_empty() const {
    if (tensors_.empty()) return;
    throw DataError(fmt::format("tensor '{}' belongs to no part of this model and optimizer",
                                tensors_.begin()->first));
  }

 private:
  std::map<std::string, torch::Tensor> tensors_;
};

}  // namespace

std::vector<model::NamedTensor> Replica::state() const {
  const torch::NoGradGuard no_gradients;
  const auto names = model::named_parameters(*network_);
  std::vector<model::NamedTensor> parts;
  const auto add = [&](const std::string& kind, const torch::Tensor& on_cpu) {
    const auto views = reducer_.views_of(on_cpu);
    for (std::size_t i = 0; i < views.size(); ++i) {
      parts.push_back({kind.empty() ? names[i].name : state_name(kind, names[i].name), views[i]});
    }
  };
  add("", reducer_.flat_parameters().to(torch::kCPU, torch::kFloat32, false, true));
  for (const auto& [name, value] : model::named_buffers(*network_)) {
    parts.push_back({name, value.to(torch::kCPU, value.scalar_type(), false, true).contiguous()});
  }
  for (const auto& [kind, value] : optimizer_.state()) add(kind, value.to(torch::kCPU));
  return parts;
}

void Replica::restore(const std::vector<model::NamedTensor>& state, std::int64_t steps) {
  const torch::NoGradGuard no_gradients;
  const auto names = model::named_parameters(*network_);
  Store store(state);
  const auto assemble = [&](const std::string& kind) {
    auto flat = torch::zeros(reducer_.flat_parameters().sizes(), torch::kFloat32);
    const auto views = reducer_.views_of(flat);
    for (std::size_t i = 0; i < views.size(); ++i) {
      const auto name = kind.empty() ? names[i].name : state_name(kind, names[i].name);
      torch::Tensor(views[i]).copy_(store.take(name, views[i]));
    }
    return flat;
  };
  const auto parameters = assemble("");
  const auto buffers = model::named_buffers(*network_);
  std::vector<torch::Tensor> stored_buffers;
  for (const auto& [name, value] : buffers) stored_buffers.push_back(store.take(name, value));
  std::vector<model::NamedTensor> kept;
  if (steps > 0) {
    for (const auto& kind : optimizer_.state_names()) kept.push_back({kind, assemble(kind)});
  }
  store.require_empty();
  torch::Tensor(reducer_.flat_parameters()).copy_(parameters);
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    torch::Tensor(buffers[i].value).copy_(stored_buffers[i]);
  }
  optimizer_.restore(kept, steps);
}

}  // namespace lockstep::train

#include <sstream>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <lockstep/sync/tensor_memory.hpp>
#include <lockstep/train/flat_optimizer.hpp>

#include "plain_sgd.hpp"

namespace lockstep::train {
namespace {

constexpr const char* kAverage = "ema";
constexpr double kNormEpsilon = 1e-6;  // as torch.nn.utils.clip_grad_norm_

using State = OptimizerKind::State;

/// The key under which LibTorch keeps a parameter's state: its address, as text in 1.x.
template <typename Key>
Key key_of(const torch::Tensor& parameter) {
  if constexpr (std::is_same_v<Key, std::string>) {
    std::ostringstream text;
    text << parameter.unsafeGetTensorImpl();
    return text.str();
  } else {
    return parameter.unsafeGetTensorImpl();
  }
}

template <typename States>
void put(States& states, const torch::Tensor& parameter, std::unique_ptr<State> state) {
  states[key_of<typename States::key_type>(parameter)] = std::move(state);
}

}  // namespace

FlatOptimizer::FlatOptimizer(const OptimizationOptions& options, torch::Tensor parameters,
                             const torch::Tensor& gradients)
    : options_(options),
      parameters_(std::move(parameters)),
      kind_(optimizer_kind(options)),
      clears_gradients_(parameters_.is_cpu() && kind_.is_plain(options)) {
  parameters_.mutable_grad() = gradients;
  optimizer_ = kind_.make(parameters_, options);
  if (options.ema_decay > 0) average_.emplace(options.ema_decay, parameters_);
}

std::vector<std::string> FlatOptimizer::state_names() const {
  std::vector<std::string> names;
  const auto state = kind_.make_state(0);
  for (const auto& [name, tensor] : kind_.tensors_of(*state, options_)) {
    names.push_back(name);
  }
  if (average_) names.emplace_back(kAverage);
  return names;
}

std::vector<model::NamedTensor> FlatOptimizer::state() const {
  std::vector<model::NamedTensor> copies;
  for (const auto& [key, state] : optimizer_->state()) {  // one entry: there is one parameter
    for (const auto& [name, tensor] : kind_.tensors_of(*state, options_)) {
      if (tensor->defined()) copies.push_back({name, tensor->detach().clone()});
    }
  }
  if (average_ && average_->values().defined()) {
    copies.push_back({kAverage, average_->values().clone()});
  }
  return copies;
}

void FlatOptimizer::restore(const std::vector<model::NamedTensor>& state, std::int64_t steps) {
  if (state.empty()) return;
  auto made = kind_.make_state(steps);
  for (const auto& [name, tensor] : kind_.tensors_of(*made, options_)) {
    for (const auto& kept : state) {
      if (kept.name == name)
        *tensor = kept.value.to(parameters_.device(), torch::kFloat32, false, true);
    }
  }
  put(optimizer_->state(), parameters_, std::move(made));
  for (const auto& kept : state) {
    if (average_ && kept.name == kAverage) average_->restore(kept.value);
  }
}

void FlatOptimizer::step(double learning_rate) {
  const torch::NoGradGuard no_gradients;
  if (options_.clip_grad_norm > 0) clip_gradients();
  if (clears_gradients_) {
    step_and_clear(sync::floats_of(parameters_), sync::floats_of(parameters_.grad()),
                   static_cast<float>(learning_rate));
  } else {
    for (auto& group : optimizer_->param_groups()) group.options().set_lr(learning_rate);
    optimizer_->step();
  }
  if (average_) average_->update();
}

void FlatOptimizer::clip_gradients() {
  // Stays on the device: reading the norm back would make the host wait.
  auto& gradients = parameters_.mutable_grad();
  const auto factor = (options_.clip_grad_norm / (gradients.norm() + kNormEpsilon)).clamp_max(1.0);
  gradients.mul_(factor);
}

}  // namespace lockstep::train

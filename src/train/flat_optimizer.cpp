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

constexpr double kNormEpsilon = 1e-6;  // as torch.nn.utils.clip_grad_norm_

std::unique_ptr<torch::optim::Optimizer> make_optimizer(const OptimizationOptions& options,
                                                        const torch::Tensor& parameters) {
  const std::vector<torch::Tensor> all = {parameters};
  const double weight_decay = weight_decay_of(options);
  switch (options.optimizer) {
    case Optimizer::kSgd:
      return std::make_unique<torch::optim::SGD>(all, torch::optim::SGDOptions(options.lr)
                                                          .momentum(options.momentum)
                                                          .weight_decay(weight_decay));
    case Optimizer::kAdam:
      return std::make_unique<torch::optim::Adam>(
          all, torch::optim::AdamOptions(options.lr).weight_decay(weight_decay));
    case Optimizer::kAdamW:
      return std::make_unique<torch::optim::AdamW>(
          all, torch::optim::AdamWOptions(options.lr).weight_decay(weight_decay));
    case Optimizer::kRmsProp:
      break;
  }
  return std::make_unique<torch::optim::RMSprop>(all, torch::optim::RMSpropOptions(options.lr)
                                                          .momentum(options.momentum)
                                                          .weight_decay(weight_decay));
}

using State = torch::optim::OptimizerParamState;
using StateTensor = std::pair<std::string, torch::Tensor*>;

template <typename AdamState>
std::vector<StateTensor> moments_of(State& state) {
  auto& of_adam = static_cast<AdamState&>(state);
  return {{"exp_avg", &of_adam.exp_avg()}, {"exp_avg_sq", &of_adam.exp_avg_sq()}};
}

/// The tensors of a state of `options.optimizer` that are in use.
std::vector<StateTensor> tensors_of(State& state, const OptimizationOptions& options) {
  switch (options.optimizer) {
    case Optimizer::kSgd:
      return {
          {"momentum_buffer", &static_cast<torch::optim::SGDParamState&>(state).momentum_buffer()}};
    case Optimizer::kAdam:
      return moments_of<torch::optim::AdamParamState>(state);
    case Optimizer::kAdamW:
      return moments_of<torch::optim::AdamWParamState>(state);
    case Optimizer::kRmsProp:
      break;
  }
  auto& of_rmsprop = static_cast<torch::optim::RMSpropParamState&>(state);
  std::vector<StateTensor> tensors = {{"square_avg", &of_rmsprop.square_avg()}};
  if (options.momentum > 0) {
    tensors.emplace_back("momentum_buffer", &of_rmsprop.momentum_buffer());
  }
  return tensors;
}

template <typename CountingState>
std::unique_ptr<State> made(std::int64_t steps) {
  auto state = std::make_unique<CountingState>();
  state->step(steps);
  return state;
}

std::unique_ptr<State> make_state(Optimizer optimizer, std::int64_t steps) {
  switch (optimizer) {
    case Optimizer::kSgd:
      return std::make_unique<torch::optim::SGDParamState>();
    case Optimizer::kAdam:
      return made<torch::optim::AdamParamState>(steps);
    case Optimizer::kAdamW:
      return made<torch::optim::AdamWParamState>(steps);
    case Optimizer::kRmsProp:
      break;
  }
  return made<torch::optim::RMSpropParamState>(steps);
}

/// By what LibTorch finds a parameter's state: its address, as text in 1.x.
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
      clears_gradients_(parameters_.is_cpu() && options.optimizer == Optimizer::kSgd &&
                        options.momentum == 0 && weight_decay_of(options) == 0) {
  parameters_.mutable_grad() = gradients;
  optimizer_ = make_optimizer(options, parameters_);
}

std::vector<std::string> FlatOptimizer::state_names() const {
  if (options_.optimizer == Optimizer::kSgd && options_.momentum == 0) return {};
  std::vector<std::string> names;
  for (const auto& [name, tensor] : tensors_of(*make_state(options_.optimizer, 0), options_)) {
    names.push_back(name);
  }
  return names;
}

std::vector<model::NamedTensor> FlatOptimizer::state() const {
  std::vector<model::NamedTensor> copies;
  for (const auto& [key, state] : optimizer_->state()) {  // one entry: there is one parameter
    for (const auto& [name, tensor] : tensors_of(*state, options_)) {
      if (tensor->defined()) copies.push_back({name, tensor->detach().clone()});
    }
  }
  return copies;
}

void FlatOptimizer::restore(const std::vector<model::NamedTensor>& state, std::int64_t steps) {
  if (state.empty()) return;
  auto made = make_state(options_.optimizer, steps);
  for (const auto& [name, tensor] : tensors_of(*made, options_)) {
    for (const auto& kept : state) {
      if (kept.name == name)
        *tensor = kept.value.to(parameters_.device(), torch::kFloat32, false, true);
    }
  }
  put(optimizer_->state(), parameters_, std::move(made));
}

void FlatOptimizer::step(double learning_rate) {
  const torch::NoGradGuard no_gradients;
  if (options_.clip_grad_norm > 0) clip_gradients();
  if (clears_gradients_) {
    return step_and_clear(sync::floats_of(parameters_), sync::floats_of(parameters_.grad()),
                          static_cast<float>(learning_rate));
  }
  for (auto& group : optimizer_->param_groups()) group.options().set_lr(learning_rate);
  optimizer_->step();
}

void FlatOptimizer::clip_gradients() {
  // Stays on the device: reading the norm back would make the host wait.
  auto& gradients = parameters_.mutable_grad();
  const auto factor = (options_.clip_grad_norm / (gradients.norm() + kNormEpsilon)).clamp_max(1.0);
  gradients.mul_(factor);
}

}  // namespace lockstep::train

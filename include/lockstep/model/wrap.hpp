// A network made from any LibTorch module.
#pragma once

#include <memory>
#include <utility>

#include <lockstep/model/network.hpp>

namespace lockstep::model {

/// Registers a module's contents under the module's own names, so that weights are named as in the
/// module's state_dict, and passes calls on to the module.
template <typename Wrapped>
class WrappedModule final : public Network {
 public:
  explicit WrappedModule(std::shared_ptr<Wrapped> module) : module_(std::move(module)) {
    constexpr bool kOnlyItsOwn = false;
    for (const auto& item : module_->named_parameters(kOnlyItsOwn)) {
      register_parameter(item.key(), item.value(), item.value().requires_grad());
    }
    for (const auto& item : module_->named_buffers(kOnlyItsOwn)) {
      register_buffer(item.key(), item.value());
    }
    for (const auto& item : module_->named_children()) register_module(item.key(), item.value());
  }

  torch::Tensor forward(const torch::Tensor& inputs) override { return module_->forward(inputs); }
  void train(bool on = true) override {
    Network::train(on);
    module_->train(on);
  }

 private:
  std::shared_ptr<Wrapped> module_;
};

/// Makes a network from a module whose `forward` takes and returns one tensor. `Holder` is what
/// TORCH_MODULE declares, such as torch::nn::Sequential. The module then belongs to the network.
template <typename Holder>
[[nodiscard]] NetworkPtr wrap(const Holder& module) {
  return std::make_shared<WrappedModule<typename Holder::ContainedType>>(module.ptr());
}

}  // namespace lockstep::model

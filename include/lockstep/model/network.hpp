// What is trained: the interface of every network.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <torch/torch.h>

#include <lockstep/base/error.hpp>
#include <lockstep/model/named_tensor.hpp>

namespace lockstep::model {

/// The widths of a linear layer: [B, in] → [B, out].
struct LinearShape {
  std::int64_t in = 0;
  std::int64_t out = 0;
};

/// Why tensors do not fit a network.
struct Misfit {
  std::string explanation;  ///< empty: names and shapes explain it
  Settings settings{};      ///< settings with which they would fit
};

/// A LibTorch module with one input and one output. It registers its parameters (float32), buffers
/// and submodules as usual; train(), eval() and to() are the module's. Every rank has one with the
/// same state; one thread at a time.
class Network : public torch::nn::Module {
 public:
  /// inputs [B, …], of the shape and type that the data's SampleSpec gives → [B, outputs] float32.
  virtual torch::Tensor forward(const torch::Tensor& inputs) = 0;

  /// Whether forward draws random numbers from LibTorch's generators in training (dropout). These
  /// are then seeded before each forward pass with the run's seed, the step and the shard, so that
  /// a resumed run and, with virtual shards, any number of ranks draw the same numbers.
  [[nodiscard]] virtual bool draws_random_numbers() const { return true; }

  /// From now on, layers compute in bfloat16, while parameters and their gradients stay float32.
  /// Returns false, without changing anything, if this network cannot do that.
  virtual bool use_bfloat16() { return false; }

  /// A TorchScript module with the weights as they are now, as torch.jit.load reads it; empty: the
  /// network is none.
  [[nodiscard]] virtual std::string script() const { return {}; }

  /// The linear layers that take most of a step's time, in the order of the forward pass; none if
  /// other layers do. `bench step` measures their bare matrix products.
  [[nodiscard]] virtual std::vector<LinearShape> linear_layers() const { return {}; }

  /// Explains to people why tensors do not fit, if the network knows more than names and shapes
  /// say.
  [[nodiscard]] virtual Misfit explain_misfit(const std::vector<NamedTensor>& /*tensors*/) const {
    return {};
  }
};

using NetworkPtr = std::shared_ptr<Network>;

}  // namespace lockstep::model

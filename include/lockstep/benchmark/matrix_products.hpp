// The matrix products of a training step and nothing else: what a step cannot be faster than.
#pragma once

#include <cstdint>
#include <vector>

#include <torch/torch.h>

#include <lockstep/model/network.hpp>

namespace lockstep::benchmark {

/// Runs the products of one forward and backward pass of a stack of linear layers, with the same
/// shapes, layouts and library as the network does, on memory of its own: for each layer
/// [B, in] × [in, out] and, backward, [out, B] × [B, in] and (but for the first layer)
/// [B, out] × [out, in]. One thread.
class MatrixProducts {
 public:
  /// `batch`: rows B. Without layers there is nothing to run.
  MatrixProducts(std::int64_t batch, const std::vector<model::LinearShape>& layers,
                 const torch::Device& device);

  /// Returns the seconds it took; on a GPU it waits for the end.
  double run();

  /// Multiplications and additions of one `run`, in 10^9.
  [[nodiscard]] double gflop() const { return gflop_; }

 private:
  struct Layer {
    torch::Tensor input;            // [B, in]
    torch::Tensor weight;           // [out, in]
    torch::Tensor output;           // [B, out]
    torch::Tensor weight_gradient;  // [out, in]
  };
  torch::Device device_;
  std::vector<Layer> layers_;
  double gflop_ = 0;
};

}  // namespace lockstep::benchmark

// The matrix products of a training step and nothing else: a lower bound on a step's time.
#pragma once

#include <cstdint>
#include <vector>

#include <torch/torch.h>

#include <lockstep/model/network.hpp>

namespace lockstep::benchmark {

/// Runs the products of one forward and backward pass of a stack of linear layers, with the
/// network's shapes, layouts and library, but on its own memory: for each layer [B, in] × [in, out]
/// and, backward, [out, B] × [B, in] and (except for the first layer) [B, out] × [out, in]. One
/// thread.
class MatrixProducts {
 public:
  /// `batch`: rows B. Without layers there is nothing to run.
  MatrixProducts(std::int64_t batch, const std::vector<model::LinearShape>& layers,
                 const torch::Device& device);

  /// Returns the seconds it took; on a GPU, waits for the work to end.
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

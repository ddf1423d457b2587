#include <chrono>

#include <lockstep/benchmark/matrix_products.hpp>

namespace lockstep::benchmark {

MatrixProducts::MatrixProducts(std::int64_t batch, const std::vector<model::LinearShape>& layers,
                               const torch::Device& device)
    : device_(device) {
  constexpr double kOperationsEach = 2;  // a multiplication and an addition
  const auto options = torch::TensorOptions(device).dtype(torch::kFloat32);
  for (const auto& [in, out] : layers) {
    // Backward writes over the inputs: weights this small keep the values finite forever.
    layers_.push_back({torch::rand({batch, in}, options),
                       torch::rand({out, in}, options) / static_cast<double>(in * out),
                       torch::rand({batch, out}, options), torch::zeros({out, in}, options)});
    const int products = layers_.size() == 1 ? 2 : 3;
    gflop_ += 1e-9 * kOperationsEach * products * static_cast<double>(batch * in * out);
  }
}

double MatrixProducts::run() {
  const torch::NoGradGuard no_gradients;
  if (device_.is_cuda()) torch::cuda::synchronize(device_.index());
  const auto start = std::chrono::steady_clock::now();
  for (auto& layer : layers_) at::mm_out(layer.output, layer.input, layer.weight.t());
  for (std::size_t i = layers_.size(); i-- > 0;) {
    auto& layer = layers_[i];
    at::mm_out(layer.weight_gradient, layer.output.t(), layer.input);
    if (i > 0) at::mm_out(layer.input, layer.output, layer.weight);
  }
  if (device_.is_cuda()) torch::cuda::synchronize(device_.index());
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace lockstep::benchmark

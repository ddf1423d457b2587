#include <utility>

#include <lockstep/train/weight_average.hpp>

namespace lockstep::train {

WeightAverage::WeightAverage(double decay, torch::Tensor parameters)
    : decay_(decay), parameters_(std::move(parameters)) {}

void WeightAverage::update() {
  const torch::NoGradGuard no_gradients;
  if (average_.defined()) {
    average_.lerp_(parameters_, 1 - decay_);
  } else {
    average_ = parameters_.detach().clone();
  }
}

void WeightAverage::swap() {
  const torch::NoGradGuard no_gradients;
  const auto parameters = parameters_.detach().clone();
  parameters_.copy_(average_);
  average_.copy_(parameters);
}

void WeightAverage::restore(const torch::Tensor& values) {
  average_ = values.to(parameters_.device(), torch::kFloat32, /*non_blocking=*/false,
                       /*copy=*/true);
}

}  // namespace lockstep::train

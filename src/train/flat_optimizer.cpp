#include <utility>
#include <vector>

#include <lockstep/train/flat_optimizer.hpp>

namespace lockstep::train {
namespace {

constexpr double kNormEpsilon = 1e-6;  // as torch.nn.utils.clip_grad_norm_

std::unique_ptr<torch::optim::Optimizer> make_optimizer(const OptimizationOptions& options,
                                                        const torch::Tensor& parameters) {
  const std::vector<torch::Tensor> all = {parameters};
  switch (options.optimizer) {
    case Optimizer::kSgd:
      return std::make_unique<torch::optim::SGD>(all, torch::optim::SGDOptions(options.lr)
                                                          .momentum(options.momentum)
                                                          .weight_decay(options.weight_decay));
    case Optimizer::kAdam:
      return std::make_unique<torch::optim::Adam>(
          all, torch::optim::AdamOptions(options.lr).weight_decay(options.weight_decay));
    case Optimizer::kAdamW:
      return std::make_unique<torch::optim::AdamW>(
          all, torch::optim::AdamWOptions(options.lr).weight_decay(options.weight_decay));
    case Optimizer::kRmsProp:
      break;
  }
  return std::make_unique<torch::optim::RMSprop>(all, torch::optim::RMSpropOptions(options.lr)
                                                          .momentum(options.momentum)
                                                          .weight_decay(options.weight_decay));
}

}  // namespace

FlatOptimizer::FlatOptimizer(const OptimizationOptions& options, torch::Tensor parameters,
                             const torch::Tensor& gradients)
    : clip_grad_norm_(options.clip_grad_norm), parameters_(std::move(parameters)) {
  parameters_.mutable_grad() = gradients;
  optimizer_ = make_optimizer(options, parameters_);
}

void FlatOptimizer::step(double learning_rate) {
  const torch::NoGradGuard no_gradients;
  if (clip_grad_norm_ > 0) clip_gradients();
  for (auto& group : optimizer_->param_groups()) group.options().set_lr(learning_rate);
  optimizer_->step();
}

void FlatOptimizer::clip_gradients() {
  // Stays on the device: reading the norm back would make the host wait.
  auto& gradients = parameters_.mutable_grad();
  const auto factor = (clip_grad_norm_ / (gradients.norm() + kNormEpsilon)).clamp_max(1.0);
  gradients.mul_(factor);
}

}  // namespace lockstep::train

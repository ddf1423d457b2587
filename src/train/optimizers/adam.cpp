#include <lockstep/train/optimizer_kind.hpp>

namespace lockstep::train {
namespace {

using torch::optim::AdamParamState;

std::unique_ptr<torch::optim::Optimizer> make_adam(const torch::Tensor& parameters,
                                                   const OptimizationOptions& options) {
  return std::make_unique<torch::optim::Adam>(
      std::vector<torch::Tensor>{parameters},
      torch::optim::AdamOptions(options.lr).weight_decay(weight_decay_of(options)));
}

std::unique_ptr<OptimizerKind::State> make_adam_state(std::int64_t steps) {
  auto state = std::make_unique<AdamParamState>();
  state->step(steps);
  return state;
}

OptimizerKind::StateTensors adam_tensors(OptimizerKind::State& state,
                                         const OptimizationOptions& /*options*/) {
  auto& moments = static_cast<AdamParamState&>(state);
  return {{"exp_avg", &moments.exp_avg()}, {"exp_avg_sq", &moments.exp_avg_sq()}};
}

}  // namespace

/// Source: torch.optim.Adam.
OptimizerKind adam_optimizer() {
  return {
      .name = "adam", .make = make_adam, .make_state = make_adam_state, .tensors_of = adam_tensors};
}

}  // namespace lockstep::train

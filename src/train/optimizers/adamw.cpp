#include <lockstep/train/optimizer_kind.hpp>

namespace lockstep::train {
namespace {

using torch::optim::AdamWParamState;

std::unique_ptr<torch::optim::Optimizer> make_adamw(const torch::Tensor& parameters,
                                                    const OptimizationOptions& options) {
  return std::make_unique<torch::optim::AdamW>(
      std::vector<torch::Tensor>{parameters},
      torch::optim::AdamWOptions(options.lr).weight_decay(weight_decay_of(options)));
}

std::unique_ptr<OptimizerKind::State> make_adamw_state(std::int64_t steps) {
  auto state = std::make_unique<AdamWParamState>();
  state->step(steps);
  return state;
}

OptimizerKind::StateTensors adamw_tensors(OptimizerKind::State& state,
                                          const OptimizationOptions& /*options*/) {
  auto& moments = static_cast<AdamWParamState&>(state);
  return {{"exp_avg", &moments.exp_avg()}, {"exp_avg_sq", &moments.exp_avg_sq()}};
}

}  // namespace

/// Source: torch.optim.AdamW.
OptimizerKind adamw_optimizer() {
  return {.name = "adamw",
          .weight_decay = 0.01,
          .make = make_adamw,
          .make_state = make_adamw_state,
          .tensors_of = adamw_tensors};
}

}  // namespace lockstep::train

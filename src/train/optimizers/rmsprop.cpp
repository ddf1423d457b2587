#include <lockstep/train/optimizer_kind.hpp>

namespace lockstep::train {
namespace {

using torch::optim::RMSpropParamState;

std::unique_ptr<torch::optim::Optimizer> make_rmsprop(const torch::Tensor& parameters,
                                                      const OptimizationOptions& options) {
  return std::make_unique<torch::optim::RMSprop>(std::vector<torch::Tensor>{parameters},
                                                 torch::optim::RMSpropOptions(options.lr)
                                                     .momentum(options.momentum)
                                                     .weight_decay(weight_decay_of(options)));
}

std::unique_ptr<OptimizerKind::State> make_rmsprop_state(std::int64_t steps) {
  auto state = std::make_unique<RMSpropParamState>();
  state->step(steps);
  return state;
}

OptimizerKind::StateTensors rmsprop_tensors(OptimizerKind::State& state,
                                            const OptimizationOptions& options) {
  auto& averages = static_cast<RMSpropParamState&>(state);
  OptimizerKind::StateTensors tensors = {{"square_avg", &averages.square_avg()}};
  if (options.momentum > 0) {
    tensors.emplace_back("momentum_buffer", &averages.momentum_buffer());
  }
  return tensors;
}

}  // namespace

/// Source: torch.optim.RMSprop.
OptimizerKind rmsprop_optimizer() {
  return {.name = "rmsprop",
          .takes_momentum = true,
          .make = make_rmsprop,
          .make_state = make_rmsprop_state,
          .tensors_of = rmsprop_tensors};
}

}  // namespace lockstep::train

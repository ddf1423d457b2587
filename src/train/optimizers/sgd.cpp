#include <lockstep/train/optimizer_kind.hpp>

namespace lockstep::train {
namespace {

using torch::optim::SGDParamState;

std::unique_ptr<torch::optim::Optimizer> make_sgd(const torch::Tensor& parameters,
                                                  const OptimizationOptions& options) {
  return std::make_unique<torch::optim::SGD>(std::vector<torch::Tensor>{parameters},
                                             torch::optim::SGDOptions(options.lr)
                                                 .momentum(options.momentum)
                                                 .nesterov(options.nesterov)
                                                 .weight_decay(weight_decay_of(options)));
}

std::unique_ptr<OptimizerKind::State> make_sgd_state(std::int64_t /*steps*/) {
  return std::make_unique<SGDParamState>();
}

OptimizerKind::StateTensors sgd_tensors(OptimizerKind::State& state,
                                        const OptimizationOptions& options) {
  if (options.momentum == 0) return {};
  return {{"momentum_buffer", &static_cast<SGDParamState&>(state).momentum_buffer()}};
}

bool is_plain_sgd(const OptimizationOptions& options) {
  return options.momentum == 0 && weight_decay_of(options) == 0;
}

}  // namespace

/// Source: torch.optim.SGD.
OptimizerKind sgd_optimizer() {
  return {.name = "sgd",
          .takes_momentum = true,
          .takes_nesterov = true,
          .make = make_sgd,
          .make_state = make_sgd_state,
          .tensors_of = sgd_tensors,
          .is_plain = is_plain_sgd};
}

}  // namespace lockstep::train

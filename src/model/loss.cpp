#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/model/loss.hpp>

namespace lockstep::model {
namespace {

namespace functional = torch::nn::functional;

torch::Tensor sum_over_numbers(Loss loss, const torch::Tensor& outputs,
                               const torch::Tensor& targets) {
  if (outputs.numel() != targets.numel()) {
    throw UsageError(
        fmt::format("the network gives {} numbers for {} samples, and their targets "
                    "have {}",
                    outputs.numel(), targets.size(0), targets.numel()));
  }
  const auto numbers = outputs.reshape(targets.sizes());
  const auto sum =
      loss == Loss::kL1
          ? functional::l1_loss(numbers, targets,
                                functional::L1LossFuncOptions().reduction(torch::kSum))
          : functional::mse_loss(numbers, targets,
                                 functional::MSELossFuncOptions().reduction(torch::kSum));
  const auto of_one = targets.numel() / targets.size(0);
  return of_one == 1 ? sum : sum / of_one;
}

}  // namespace

torch::Tensor loss_sum(Loss loss, const torch::Tensor& outputs, const torch::Tensor& targets,
                       double label_smoothing) {
  if (targets.is_floating_point()) return sum_over_numbers(loss, outputs, targets);
  switch (loss) {
    case Loss::kCrossEntropy:
      return functional::cross_entropy(outputs, targets,
                                       functional::CrossEntropyFuncOptions()
                                           .reduction(torch::kSum)
                                           .label_smoothing(label_smoothing));
    case Loss::kNll:
      return functional::nll_loss(functional::log_softmax(outputs, 1), targets,
                                  functional::NLLLossFuncOptions().reduction(torch::kSum));
    case Loss::kMse:
    case Loss::kL1:
      break;
  }
  const auto one_hot = functional::one_hot(targets, outputs.size(1)).to(outputs.scalar_type());
  const auto squares = functional::mse_loss(
      outputs, one_hot, functional::MSELossFuncOptions().reduction(torch::kSum));
  return squares / outputs.size(1);
}

bool takes_numbers(Loss loss) {
  return loss == Loss::kMse || loss == Loss::kL1;
}

bool takes_classes(Loss loss) {
  return loss != Loss::kL1;
}

LossFunction loss_function(Loss loss, double label_smoothing) {
  return [loss, label_smoothing](const torch::Tensor& outputs, const torch::Tensor& targets) {
    return loss_sum(loss, outputs, targets, label_smoothing);
  };
}

}  // namespace lockstep::model

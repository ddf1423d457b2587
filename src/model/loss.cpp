#include <lockstep/model/loss.hpp>

namespace lockstep::model {

torch::Tensor loss_sum(Loss loss, const torch::Tensor& logits, const torch::Tensor& labels) {
  namespace functional = torch::nn::functional;
  switch (loss) {
    case Loss::kCrossEntropy:
      return functional::cross_entropy(
          logits, labels, functional::CrossEntropyFuncOptions().reduction(torch::kSum));
    case Loss::kNll:
      return functional::nll_loss(functional::log_softmax(logits, 1), labels,
                                  functional::NLLLossFuncOptions().reduction(torch::kSum));
    case Loss::kMse:
      break;
  }
  const auto targets = functional::one_hot(labels, logits.size(1)).to(logits.scalar_type());
  const auto squares = functional::mse_loss(
      logits, targets, functional::MSELossFuncOptions().reduction(torch::kSum));
  return squares / logits.size(1);
}

LossFunction loss_function(Loss loss) {
  return [loss](const torch::Tensor& outputs, const torch::Tensor& targets) {
    return loss_sum(loss, outputs, targets);
  };
}

}  // namespace lockstep::model

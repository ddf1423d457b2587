#include <lockstep/model/linear.hpp>

namespace lockstep::model {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

struct LinearFunction : torch::autograd::Function<LinearFunction> {
  enum Input : std::size_t { kInput, kWeight, kBias, kInputs };

  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& input,
                               const torch::Tensor& weight, const torch::Tensor& bias) {
    context->save_for_backward({input, weight});
    return at::addmm(bias, input, weight.t());
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& output_gradients) {
    const auto saved = context->get_saved_variables();
    const auto& input = saved[kInput];
    const auto& weight = saved[kWeight];
    const auto& gradient = output_gradients[0];
    tensor_list gradients(kInputs);
    if (context->needs_input_grad(kInput)) gradients[kInput] = at::mm(gradient, weight);
    if (!context->needs_input_grad(kWeight)) {
      // nothing to add
    } else if (weight.grad().defined()) {
      weight.grad().addmm_(gradient.t(), input);  // the accumulator gets nothing more to add
    } else {
      gradients[kWeight] = at::mm(gradient.t(), input);
    }
    gradients[kBias] = gradient.sum(0);
    return gradients;
  }
};

}  // namespace

torch::Tensor LinearImpl::forward(const torch::Tensor& input) {
  return LinearFunction::apply(input, weight, bias);
}

}  // namespace lockstep::model

#include <lockstep/model/linear.hpp>

namespace lockstep::model {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::tensor_list;

/// `tensor` in `type`. LibTorch's own `to` costs a dispatch even if there is nothing to do.
torch::Tensor as(torch::ScalarType type, const torch::Tensor& tensor) {
  return tensor.scalar_type() == type ? tensor : tensor.to(type);
}

struct LinearFunction : torch::autograd::Function<LinearFunction> {
  enum Input : std::size_t { kInput, kWeight, kBias, kInputs };
  enum Saved : std::size_t { kUsedInput, kUsedWeight, kMasterWeight };

  /// `type`: the type of the factors and of the result.
  static torch::Tensor forward(AutogradContext* context, const torch::Tensor& input,
                               const torch::Tensor& weight, const torch::Tensor& bias,
                               torch::ScalarType type) {
    const auto used_input = as(type, input);
    const auto used_weight = as(type, weight);
    context->save_for_backward({used_input, used_weight, weight});
    return at::addmm(as(type, bias), used_input, used_weight.t());
  }

  static tensor_list backward(AutogradContext* context, const tensor_list& output_gradients) {
    const auto saved = context->get_saved_variables();
    const auto& input = saved[kUsedInput];
    const auto& weight = saved[kMasterWeight];
    const auto& gradient = output_gradients[0];
    tensor_list gradients(kInputs + 1);  // none for the type
    if (context->needs_input_grad(kInput)) {
      gradients[kInput] = at::mm(gradient, saved[kUsedWeight]);
    }
    if (context->needs_input_grad(kWeight)) {
      gradients[kWeight] = add_weight_gradient(weight, gradient, input);
    }
    gradients[kBias] = as(weight.scalar_type(), gradient.sum(0));
    return gradients;
  }

  /// Returns what the accumulator has to add: nothing if that is already done.
  static torch::Tensor add_weight_gradient(const torch::Tensor& weight,
                                           const torch::Tensor& gradient,
                                           const torch::Tensor& input) {
    if (!weight.grad().defined()) return as(weight.scalar_type(), at::mm(gradient.t(), input));
    if (gradient.scalar_type() == weight.scalar_type()) {
      weight.grad().addmm_(gradient.t(), input);
    } else {
      weight.grad().add_(at::mm(gradient.t(), input));
    }
    return {};
  }
};

}  // namespace

torch::Tensor LinearImpl::forward(const torch::Tensor& input) {
  const auto type = bfloat16_ ? torch::kBFloat16 : weight.scalar_type();
  return LinearFunction::apply(input, weight, bias, type);
}

}  // namespace lockstep::model

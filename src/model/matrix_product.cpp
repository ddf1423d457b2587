#include <ATen/core/dispatch/Dispatcher.h>

#include <lockstep/model/matrix_product.hpp>

namespace lockstep::model {
namespace {

/// The operation behind compiled PyTorch models on CPUs: input · weightᵀ + bias, and a function of
/// each element (here none).
c10::optional<c10::OperatorHandle> onednn_operation() {
  static const auto operation =
      c10::Dispatcher::singleton().findSchema({"mkldnn::_linear_pointwise", ""});
  return operation;
}

torch::Tensor onednn_affine(const torch::Tensor& input, const torch::Tensor& weight,
                            const c10::IValue& bias) {
  torch::jit::Stack stack = {
      input, weight, bias, "none", c10::List<c10::optional<c10::Scalar>>(), c10::IValue()};
  onednn_operation()->callBoxed(stack);
  return stack.front().toTensor();
}

bool is_amd() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  return __builtin_cpu_is("amd") != 0;
#else
  return false;
#endif
}

bool use_onednn(const torch::Tensor& operand, ProductLibrary library) {
  return library == ProductLibrary::kOneDnn && operand.is_cpu();
}

}  // namespace

bool has_onednn_product() {
  return at::hasMKLDNN() && onednn_operation().has_value();
}

ProductLibrary product_library() {
  static const bool mkl_on_amd = at::hasMKL() && is_amd() && has_onednn_product();
  return mkl_on_amd ? ProductLibrary::kOneDnn : ProductLibrary::kBlas;
}

torch::Tensor affine(const torch::Tensor& input, const torch::Tensor& weight,
                     const torch::Tensor& bias, ProductLibrary library) {
  if (use_onednn(input, library)) return onednn_affine(input, weight, bias);
  return at::addmm(bias, input, weight.t());
}

torch::Tensor product(const torch::Tensor& a, const torch::Tensor& b, ProductLibrary library) {
  if (use_onednn(a, library)) return onednn_affine(a, b.t(), c10::IValue());
  return at::mm(a, b);
}

void add_product(torch::Tensor& sum, const torch::Tensor& a, const torch::Tensor& b,
                 ProductLibrary library) {
  if (use_onednn(a, library)) {
    sum.add_(product(a, b, library));
  } else {
    sum.addmm_(a, b);
  }
}

void assign_product(torch::Tensor& result, const torch::Tensor& a, const torch::Tensor& b,
                    ProductLibrary library) {
  if (use_onednn(a, library)) {
    result = product(a, b, library);
  } else {
    at::mm_out(result, a, b);
  }
}

}  // namespace lockstep::model

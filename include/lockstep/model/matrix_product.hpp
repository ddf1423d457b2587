// Matrix products with the faster of the two libraries that LibTorch brings along.
#pragma once

#include <torch/torch.h>

namespace lockstep::model {

enum class ProductLibrary { kBlas, kOneDnn };

/// True if this LibTorch offers oneDNN's product of float32 matrices as an operation (2.x does).
[[nodiscard]] bool has_onednn_product();

/// oneDNN where LibTorch's BLAS is Intel's MKL and the processor is AMD's: MKL runs kernels there
/// that leave half of it unused (docs/performance.md). BLAS everywhere else. Decided once.
[[nodiscard]] ProductLibrary product_library();

/// All take float32 matrices, transposed views too, and compute on their device; without autograd.
/// On a GPU, `library` means nothing.
///
/// input [B, in] · weight [out, in] transposed + bias [out] → [B, out]
[[nodiscard]] torch::Tensor affine(const torch::Tensor& input, const torch::Tensor& weight,
                                   const torch::Tensor& bias,
                                   ProductLibrary library = product_library());
/// a [M, K] · b [K, N] → [M, N]
[[nodiscard]] torch::Tensor product(const torch::Tensor& a, const torch::Tensor& b,
                                    ProductLibrary library = product_library());
/// sum [M, N] += a · b, in place
void add_product(torch::Tensor& sum, const torch::Tensor& a, const torch::Tensor& b,
                 ProductLibrary library = product_library());
/// result [M, N] = a · b, in the memory that it has if the library can
void assign_product(torch::Tensor& result, const torch::Tensor& a, const torch::Tensor& b,
                    ProductLibrary library = product_library());

}  // namespace lockstep::model

#include <gtest/gtest.h>

#include <lockstep/model/matrix_product.hpp>

namespace lockstep::model {
namespace {

class MatrixProductTest : public ::testing::TestWithParam<ProductLibrary> {
 protected:
  void SetUp() override {
    if (GetParam() == ProductLibrary::kOneDnn && !has_onednn_product()) {
      GTEST_SKIP() << "this LibTorch has no such operation";
    }
    torch::manual_seed(1);
  }
  static void expect_close(const torch::Tensor& mine, const torch::Tensor& in_double) {
    EXPECT_EQ(mine.sizes(), in_double.sizes());
    EXPECT_TRUE(mine.to(torch::kFloat64).allclose(in_double, 1e-5, 1e-5));
  }
  static torch::Tensor wide(const torch::Tensor& matrix) { return matrix.to(torch::kFloat64); }

  torch::NoGradGuard no_gradients_;
};

TEST_P(MatrixProductTest, AffineIsALinearLayer) {
  const auto input = torch::rand({33, 70});
  const auto weight = torch::rand({20, 70});
  const auto bias = torch::rand({20});
  expect_close(affine(input, weight, bias, GetParam()),
               torch::matmul(wide(input), wide(weight).t()) + wide(bias));
}

TEST_P(MatrixProductTest, TakesTransposedViews) {
  const auto gradient = torch::rand({33, 20});
  const auto input = torch::rand({33, 70});
  const auto weight = torch::rand({20, 70});
  expect_close(product(gradient, weight, GetParam()), torch::matmul(wide(gradient), wide(weight)));
  expect_close(product(gradient.t(), input, GetParam()),
               torch::matmul(wide(gradient).t(), wide(input)));
}

TEST_P(MatrixProductTest, AddsInPlace) {
  const auto a = torch::rand({33, 20}).t();
  const auto b = torch::rand({33, 70});
  auto sum = torch::ones({20, 70});
  const auto* const place = sum.data_ptr();
  add_product(sum, a, b, GetParam());
  add_product(sum, a, b, GetParam());
  expect_close(sum, torch::matmul(wide(a), wide(b)) * 2 + 1);
  EXPECT_EQ(sum.data_ptr(), place);
}

TEST_P(MatrixProductTest, Assigns) {
  const auto a = torch::rand({3, 20});
  const auto b = torch::rand({20, 7});
  auto result = torch::ones({3, 7});
  assign_product(result, a, b, GetParam());
  expect_close(result, torch::matmul(wide(a), wide(b)));
}

TEST_P(MatrixProductTest, TakesOneRow) {
  const auto a = torch::rand({1, 20});
  const auto b = torch::rand({20, 1});
  expect_close(product(a, b, GetParam()), torch::matmul(wide(a), wide(b)));
}

INSTANTIATE_TEST_SUITE_P(Libraries, MatrixProductTest,
                         ::testing::Values(ProductLibrary::kBlas, ProductLibrary::kOneDnn),
                         [](const auto& which) {
                           return which.param == ProductLibrary::kBlas ? "Blas" : "OneDnn";
                         });

}  // namespace
}  // namespace lockstep::model

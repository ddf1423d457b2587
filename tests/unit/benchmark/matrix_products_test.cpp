#include <gtest/gtest.h>

#include <lockstep/benchmark/fma_peak.hpp>
#include <lockstep/benchmark/matrix_products.hpp>

namespace lockstep::benchmark {
namespace {

TEST(MatrixProducts, CountTheArithmeticOfTheTutorialsStep) {
  const MatrixProducts products(64, {{784, 512}, {512, 512}, {512, 10}}, torch::kCPU);
  // 6 · 669,706 weights · 64 rows (less biases) without the first layer's input gradient.
  EXPECT_NEAR(products.gflop(), 0.2055, 0.0005);
}

TEST(MatrixProducts, Run) {
  MatrixProducts products(3, {{7, 5}, {5, 2}}, torch::kCPU);
  EXPECT_GT(products.run(), 0);
  EXPECT_DOUBLE_EQ(products.gflop(), 1e-9 * 2 * 3 * (2 * 35 + 3 * 10));
}

TEST(FmaPeak, IsThatOfAComputer) {
  EXPECT_GT(measure_fma_peak_gflop_per_s(), 0.1);
  EXPECT_LT(measure_fma_peak_gflop_per_s(), 10'000);
}

}  // namespace
}  // namespace lockstep::benchmark

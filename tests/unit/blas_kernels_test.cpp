#include <gtest/gtest.h>

#include <lockstep/runtime/blas_kernels.hpp>

namespace lockstep::runtime {
namespace {

TEST(OpenBlasCore, IsChosenOnlyForAmdProcessorsWithAllOfAvx512) {
  EXPECT_STREQ(openblas_core_for({.amd = true, .avx512 = true}), "SkylakeX");
  EXPECT_EQ(openblas_core_for({.amd = true, .avx512 = false}), nullptr);
  EXPECT_EQ(openblas_core_for({.amd = false, .avx512 = true}), nullptr);
  EXPECT_EQ(openblas_core_for({.amd = false, .avx512 = false}), nullptr);
}

TEST(OpenBlasCore, IsEmptyInAProcessWithoutOpenBlas) {
  EXPECT_EQ(openblas_core_in_use(), "");
}

}  // namespace
}  // namespace lockstep::runtime

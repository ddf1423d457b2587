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

TEST(OpenBlasCore, IsChosenForIntelsProcessorsThatCameAfterOpenBlas) {
  constexpr int kSkylakeX = 0x55;
  constexpr int kSapphireRapids = 0x8F;
  for (const int model : {kSkylakeX, kSapphireRapids}) {
    EXPECT_EQ(openblas_core_for({.intel = true, .model = model, .avx2 = true, .avx512 = true}),
              nullptr);
  }
  constexpr int kEmeraldRapids = 0xCF;
  constexpr int kGraniteRapids = 0xAD;
  for (const int model : {kEmeraldRapids, kGraniteRapids}) {
    EXPECT_STREQ(openblas_core_for({.intel = true, .model = model, .avx2 = true, .avx512 = true}),
                 "SkylakeX");
  }
  constexpr int kMeteorLake = 0xAA;
  EXPECT_STREQ(openblas_core_for({.intel = true, .model = kMeteorLake, .avx2 = true}), "Haswell");
  EXPECT_EQ(openblas_core_for({.intel = true, .model = 0x2A}), nullptr) << "Sandy Bridge";
  EXPECT_EQ(openblas_core_for({.intel = true, .avx2 = true}), nullptr) << "of another family";
}

TEST(OpenBlasCore, IsEmptyInAProcessWithoutOpenBlas) {
  EXPECT_EQ(openblas_core_in_use(), "");
}

}  // namespace
}  // namespace lockstep::runtime

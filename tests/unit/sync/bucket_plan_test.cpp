#include <algorithm>
#include <random>

#include <gtest/gtest.h>

#include <lockstep/sync/bucket_plan.hpp>

namespace lockstep::sync {
namespace {

// weight, bias of 784-512, 512-512, 512-10
const std::vector<std::int64_t> kTutorial = {401'408, 512, 262'144, 512, 5120, 10};

TEST(PlanBuckets, PacksTheLastLayerFirstAndClosesASmallFirstBucket) {
  const auto plan = plan_buckets(kTutorial, {.first_bytes = 1 << 20, .other_bytes = 25 << 20});
  ASSERT_EQ(plan.buckets.size(), 2U);
  EXPECT_EQ(plan.buckets[0].parameters, (std::vector<int>{5, 4, 3, 2}));
  EXPECT_EQ(plan.buckets[1].parameters, (std::vector<int>{1, 0}));
  EXPECT_EQ(plan.offsets[5], 0);
  EXPECT_EQ(plan.offsets[4], 16);  // 10 floats fill a 64-byte line
}

TEST(PlanBuckets, OneBucketWithoutLimits) {
  const auto plan = plan_buckets(kTutorial, {});
  ASSERT_EQ(plan.buckets.size(), 1U);
  EXPECT_EQ(plan.buckets[0].elements, plan.elements);
}

TEST(PlanBuckets, RandomPlansTileTheBufferAndHoldEveryParameterOnce) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::int64_t> sizes(1 + random() % 12);
    for (auto& size : sizes) size = 1 + static_cast<std::int64_t>(random() % 5000);
    const BucketLimits limits{.first_bytes = 1 + static_cast<std::int64_t>(random() % 4000),
                              .other_bytes = 1 + static_cast<std::int64_t>(random() % 30000)};
    const auto plan = plan_buckets(sizes, limits);
    std::int64_t position = 0;
    int next = static_cast<int>(sizes.size());
    for (const auto& bucket : plan.buckets) {
      EXPECT_EQ(bucket.offset, position);
      for (const int index : bucket.parameters) {
        ASSERT_EQ(index, --next);  // reverse registration order, none left out
        const auto i = static_cast<std::size_t>(index);
        EXPECT_EQ(plan.offsets[i] % 16, 0);
        EXPECT_GE(plan.offsets[i], position);
        position = plan.offsets[i] + sizes[i];
      }
      const std::int64_t end = bucket.offset + bucket.elements;
      EXPECT_GE(end, position);
      EXPECT_LT(end - position, 16);
      position = end;
    }
    EXPECT_EQ(next, 0);
    EXPECT_EQ(position, plan.elements);
  }
}

}  // namespace
}  // namespace lockstep::sync

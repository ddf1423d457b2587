#include <algorithm>

#include <gtest/gtest.h>

#include <lockstep/data/validation_split.hpp>

namespace lockstep::data {
namespace {

TEST(ValidationSplit, SplitsWithoutOverlapOrLoss) {
  const auto split = split_for_validation(1000, 0.15, 3);
  EXPECT_EQ(split.validation.size(), 150U);
  auto all = split.train;
  all.insert(all.end(), split.validation.begin(), split.validation.end());
  std::sort(all.begin(), all.end());
  for (std::size_t i = 0; i < 1000; ++i) ASSERT_EQ(all[i], static_cast<std::int64_t>(i));
}

TEST(ValidationSplit, IsDecidedByTheSeedAndSpreadOverTheData) {
  EXPECT_EQ(split_for_validation(1000, 0.1, 3).validation,
            split_for_validation(1000, 0.1, 3).validation);
  EXPECT_NE(split_for_validation(1000, 0.1, 3).validation,
            split_for_validation(1000, 0.1, 4).validation);
  const auto held_back = split_for_validation(1000, 0.1, 3).validation;
  EXPECT_LT(held_back.front(), 100);
  EXPECT_GT(held_back.back(), 900);
}

TEST(ValidationSplit, NothingHeldBackLeavesTheOrderAlone) {
  const auto split = split_for_validation(5, 0.0, 3);
  EXPECT_EQ(split.train, (std::vector<std::int64_t>{0, 1, 2, 3, 4}));
  EXPECT_TRUE(split.validation.empty());
}

}  // namespace
}  // namespace lockstep::data

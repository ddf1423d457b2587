#include <gtest/gtest.h>

#include <lockstep/base/error.hpp>
#include <lockstep/train/batch_sizes.hpp>

#include "expect_error.hpp"

namespace lockstep::train {
namespace {

TEST(BatchSizes, DefaultIsTheTutorials64ARank) {
  const auto sizes = resolve_batch_sizes({}, 4);
  EXPECT_EQ(sizes.micro, 64);
  EXPECT_EQ(sizes.global(), 256);
  EXPECT_EQ(sizes.describe(),
            "4 ranks × 64 = global batch 256; `--global-batch-size 64` trains as one rank does");
}

TEST(BatchSizes, AGlobalBatchIsSharedByRanksAndPasses) {
  TrainOptions options;
  options.sampling.global_batch_size = 96;
  options.optimization.accumulate_steps = 2;
  const auto sizes = resolve_batch_sizes(options, 3);
  EXPECT_EQ(sizes.micro, 16);
  EXPECT_EQ(sizes.per_rank(), 32);
  EXPECT_EQ(sizes.global(), 96);
}

TEST(BatchSizes, SaysWhichGlobalBatchWouldDo) {
  TrainOptions options;
  options.sampling.global_batch_size = 64;
  tests::expect_error<UsageError>([&] { (void)resolve_batch_sizes(options, 3); },
                                  {"--global-batch-size 64", "3 ranks", "63 or 66"});
  options.sampling.global_batch_size = 2;
  tests::expect_error<UsageError>([&] { (void)resolve_batch_sizes(options, 3); }, {"; 3 would"});
}

TEST(CheckCombinations, RefusesImpossibleOnes) {
  TrainOptions both;
  both.sampling.batch_size = 64;
  both.sampling.global_batch_size = 64;
  tests::expect_error<UsageError>([&] { check_combinations(both); },
                                  {"--batch-size", "--global-batch-size"});
  TrainOptions adam;
  adam.optimization.optimizer = Optimizer::kAdam;
  adam.optimization.momentum = 0.9;
  tests::expect_error<UsageError>([&] { check_combinations(adam); }, {"--momentum", "adam"});
  EXPECT_NO_THROW(check_combinations({}));
}

}  // namespace
}  // namespace lockstep::train

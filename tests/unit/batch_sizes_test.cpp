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
  EXPECT_EQ(sizes.batch_size(), 16);
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

TEST(BatchSizes, VirtualShardsShareTheBatch) {
  TrainOptions options;
  options.distribution.virtual_shards = 8;
  const auto of_ranks = resolve_batch_sizes(options, 2);  // 64 a rank
  EXPECT_EQ(of_ranks.shards_per_rank, 4);
  EXPECT_EQ(of_ranks.micro, 16);
  EXPECT_EQ(of_ranks.batch_size(), 64);
  EXPECT_EQ(of_ranks.global(), 128);
  EXPECT_EQ(of_ranks.describe(),
            "2 ranks × 4 virtual shards × 16 = global batch 128; `--global-batch-size 64` trains "
            "as one rank does");
  options.sampling.global_batch_size = 64;
  for (const int ranks : {1, 2, 4, 8}) {
    const auto sizes = resolve_batch_sizes(options, ranks);
    EXPECT_EQ(sizes.micro, 8) << ranks;
    EXPECT_EQ(sizes.shards(), 8) << ranks;
  }
}

TEST(BatchSizes, SaysWhichShardsAndRanksGoTogether) {
  TrainOptions options;
  options.distribution.virtual_shards = 8;
  tests::expect_error<UsageError>([&] { (void)resolve_batch_sizes(options, 3); },
                                  {"--virtual-shards 8", "3 ranks", "1, 2, 4 or 8"});
  tests::expect_error<UsageError>([&] { (void)resolve_batch_sizes(options, 16); },
                                  {"1, 2, 4 or 8", "--virtual-shards 16"});
  options.sampling.batch_size = 30;
  tests::expect_error<UsageError>([&] { (void)resolve_batch_sizes(options, 2); },
                                  {"--batch-size 30", "4 virtual shards", "32"});
  options.sampling = {};
  options.sampling.global_batch_size = 60;
  tests::expect_error<UsageError>([&] { (void)resolve_batch_sizes(options, 2); },
                                  {"8 virtual shards", "56 or 64"});
  options.distribution.virtual_shards = 6;
  tests::expect_error<UsageError>([&] { (void)resolve_batch_sizes(options, 2); },
                                  {"power of two", "4 and 8"});
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

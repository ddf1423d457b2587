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
  EXPECT_EQ(sizes.describe(), "4 ranks × 64 = global batch 256");
  EXPECT_EQ(sizes.global_of_one_rank(), 64);
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
  tests::expect_error<UsageError>(
      [&] { (void)resolve_batch_sizes(options, 3); },
      {"global batch of 64", "3 ranks", "63 or 66", "(global_batch_size)"});
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
  EXPECT_EQ(of_ranks.describe(), "2 ranks × 4 virtual shards × 16 = global batch 128");
  EXPECT_EQ(of_ranks.global_of_one_rank(), 64);
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
  tests::expect_error<UsageError>(
      [&] { (void)resolve_batch_sizes(options, 3); },
      {"8 virtual shards", "3 ranks", "1, 2, 4 or 8", "(virtual_shards)"});
  tests::expect_error<UsageError>([&] { (void)resolve_batch_sizes(options, 16); },
                                  {"1, 2, 4 or 8", "16 virtual shards"});
  options.sampling.batch_size = 30;
  tests::expect_error<UsageError>([&] { (void)resolve_batch_sizes(options, 2); },
                                  {"batch of 30", "4 virtual shards", "32", "(batch_size)"});
  options.sampling = {};
  options.sampling.global_batch_size = 60;
  tests::expect_error<UsageError>([&] { (void)resolve_batch_sizes(options, 2); },
                                  {"8 virtual shards", "56 or 64"});
  options.distribution.virtual_shards = 6;
  tests::expect_error<UsageError>([&] { (void)resolve_batch_sizes(options, 2); },
                                  {"power of two", "4 and 8"});
}

TEST(BatchSizes, AdvisesNothingWhereTheGlobalBatchWasGivenOrCouldNotBeShared) {
  TrainOptions options;
  options.sampling.global_batch_size = 64;
  const auto expect_no_advice = [](const TrainOptions& given, int ranks, const char* text) {
    const auto sizes = resolve_batch_sizes(given, ranks);
    EXPECT_EQ(sizes.describe(), text);
    EXPECT_EQ(sizes.global_of_one_rank(), std::nullopt);
  };
  expect_no_advice(options, 4, "4 ranks × 16 = global batch 64");
  options.distribution.virtual_shards = 8;
  expect_no_advice(options, 4, "4 ranks × 2 virtual shards × 8 = global batch 64");
  expect_no_advice({}, 1, "1 rank × 64 = global batch 64");
  TrainOptions accumulating;
  accumulating.sampling.batch_size = 2;
  accumulating.optimization.accumulate_steps = 8;  // 16 cannot be shared by 4 ranks × 8 passes
  expect_no_advice(accumulating, 4, "4 ranks × 2 × 8 accumulated = global batch 64");
}

TEST(BatchSizes, TheBatchThatIsAdvisedCanBeGiven) {
  for (const std::int64_t batch : {1, 2, 12, 64}) {
    for (const std::int64_t accumulate : {1, 3, 8}) {
      for (const int ranks : {2, 3, 4}) {
        TrainOptions options;
        options.sampling.batch_size = batch;
        options.optimization.accumulate_steps = accumulate;
        const auto advised = resolve_batch_sizes(options, ranks).global_of_one_rank();
        if (!advised) continue;
        options.sampling.global_batch_size = advised;
        options.sampling.batch_size.reset();
        EXPECT_EQ(resolve_batch_sizes(options, ranks).global(), *advised);
      }
    }
  }
}

TEST(CheckEnoughSamples, RefusesARunThatWouldTrainNothing) {
  TrainOptions options;
  options.distribution.virtual_shards = 128;
  options.sampling.batch_size = 128;
  auto sizes = resolve_batch_sizes(options, 1);
  options.sampling.tail = data::Tail::kDrop;
  tests::expect_error<UsageError>(
      [&] { check_enough_samples(options, sizes, 100); },
      {"dropping the tail", "128 virtual shards", "100 training samples", "pad it", "exactly",
       "64 virtual shards", "(tail)"});
  EXPECT_NO_THROW(check_enough_samples(options, sizes, 128));
  options.data.validation_fraction = 0.5;  // 75 are left of 150
  tests::expect_error<UsageError>([&] { check_enough_samples(options, sizes, 150); },
                                  {"only 75 training samples"});
  for (const auto tail : {data::Tail::kPad, data::Tail::kExact}) {
    options.sampling.tail = tail;
    EXPECT_NO_THROW(check_enough_samples(options, sizes, 100));
  }
}

TEST(CheckEnoughSamples, RefusesFewerThanRanksAndAnEmptyValidationSet) {
  TrainOptions options;
  const auto sizes = resolve_batch_sizes(options, 3);
  tests::expect_error<UsageError>([&] { check_enough_samples(options, sizes, 2); },
                                  {"3 ranks but only 2 training samples"});
  options.data.validation_fraction = 0.001;
  tests::expect_error<UsageError>(
      [&] { check_enough_samples(options, sizes, 100); },
      {"validation fraction of 0.001", "at least 1/100", "(validation_fraction)"});
  options.data.validation_fraction = 0.01;
  EXPECT_NO_THROW(check_enough_samples(options, sizes, 100));
}

}  // namespace
}  // namespace lockstep::train

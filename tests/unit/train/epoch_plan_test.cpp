#include <map>
#include <numeric>
#include <set>

#include <gtest/gtest.h>

#include <lockstep/sync/shard_tree.hpp>
#include <lockstep/train/epoch_plan.hpp>

namespace lockstep::train {
namespace {

using Samples = std::multiset<std::int64_t>;

struct Shape {
  std::int64_t samples;
  std::int64_t ranks;
  std::int64_t micro;
  std::int64_t accumulate;
  std::int64_t shards_per_rank = 1;

  [[nodiscard]] std::int64_t shards() const { return ranks * shards_per_rank; }
};

class EpochPlanTest : public ::testing::TestWithParam<Shape> {
 protected:
  static std::vector<data::SampleRange> all_micro_batches(const EpochPlan& plan,
                                                          std::int64_t step) {
    std::vector<data::SampleRange> all;
    for (std::size_t shard = 0; shard < plan.shards(); ++shard) {
      const auto batches = plan.micro_batches(step, shard);
      all.insert(all.end(), batches.begin(), batches.end());
    }
    return all;
  }

  /// The samples of each step over all ranks, as the plans of all ranks say.
  static std::vector<Samples> steps(const Shape& shape, data::Tail tail) {
    const data::DistributedSampler sampler{
        .samples = shape.samples, .replicas = shape.shards(), .tail = tail, .seed = 5};
    const BatchSizes sizes{.micro = shape.micro,
                           .accumulate = shape.accumulate,
                           .ranks = shape.ranks,
                           .shards_per_rank = shape.shards_per_rank};
    std::vector<std::int64_t> identity(static_cast<std::size_t>(shape.samples));
    std::iota(identity.begin(), identity.end(), 0);
    std::vector<Samples> result(static_cast<std::size_t>(EpochPlan::steps(sampler, sizes)));
    for (int rank = 0; rank < shape.ranks; ++rank) {
      const EpochPlan plan(sampler, sizes, rank, 1, identity);
      EXPECT_EQ(plan.epoch(), 1);
      for (std::size_t s = 0; s < result.size(); ++s) {
        const auto batches = all_micro_batches(plan, static_cast<std::int64_t>(s));
        EXPECT_LE(static_cast<std::int64_t>(batches.size()),
                  shape.accumulate * shape.shards_per_rank);
        for (const auto& batch : batches) {
          EXPECT_GT(batch.count, 0);
          EXPECT_LE(batch.count, shape.micro);
          const auto samples = plan.order().subspan(static_cast<std::size_t>(batch.first),
                                                    static_cast<std::size_t>(batch.count));
          result[s].insert(samples.begin(), samples.end());
        }
        const auto global = plan.global_samples(static_cast<std::int64_t>(s));
        if (rank == shape.ranks - 1) {
          EXPECT_EQ(static_cast<std::int64_t>(result[s].size()), global);
        }
      }
    }
    return result;
  }
};

TEST_P(EpochPlanTest, ExactTailGivesTheStepsOfOneRank) {
  const auto shape = GetParam();
  const Shape alone{shape.samples, 1, shape.micro * shape.accumulate * shape.shards(), 1};
  EXPECT_EQ(steps(shape, data::Tail::kExact), steps(alone, data::Tail::kExact));
}

TEST_P(EpochPlanTest, PaddedAndDroppedTailsDifferFromThemOnlyAtTheEnd) {
  const auto shape = GetParam();
  const auto exact = steps(shape, data::Tail::kExact);
  for (const auto tail : {data::Tail::kPad, data::Tail::kDrop}) {
    const auto other = steps(shape, tail);
    const std::size_t same = std::min(exact.size(), other.size());
    for (std::size_t s = 0; s + 1 < same; ++s) EXPECT_EQ(exact[s], other[s]) << s;
  }
}

INSTANTIATE_TEST_SUITE_P(ManyShapes, EpochPlanTest,
                         ::testing::Values(Shape{100, 1, 8, 1}, Shape{100, 3, 4, 1},
                                           Shape{101, 4, 8, 1}, Shape{97, 4, 3, 2},
                                           Shape{64, 4, 16, 1}, Shape{7, 4, 2, 3},
                                           Shape{1003, 3, 20, 1}, Shape{5, 4, 64, 1},
                                           Shape{97, 2, 3, 2, 4}, Shape{61, 1, 2, 1, 8},
                                           Shape{9, 4, 1, 1, 4}));

/// Shard by shard the same forward passes, whoever takes them: what equal bits rest on.
TEST(EpochPlan, VirtualShardsHaveTheSamePassesAtAnyNumberOfRanks) {
  constexpr std::int64_t kShards = 8;
  constexpr std::int64_t kSamples = 101;
  std::vector<std::int64_t> identity(kSamples);
  std::iota(identity.begin(), identity.end(), 0);
  using Passes = std::vector<std::vector<std::int64_t>>;
  std::vector<std::map<std::int64_t, Passes>> of_world;
  for (std::int64_t ranks = 1; ranks <= kShards; ranks *= 2) {
    const data::DistributedSampler sampler{.samples = kSamples, .replicas = kShards, .seed = 3};
    const BatchSizes sizes{
        .micro = 2, .accumulate = 3, .ranks = ranks, .shards_per_rank = kShards / ranks};
    std::map<std::int64_t, Passes> by_shard;
    for (int rank = 0; rank < ranks; ++rank) {
      const EpochPlan plan(sampler, sizes, rank, 0, identity);
      const auto turns = sync::shard_order(kShards / ranks);
      for (std::int64_t step = 0; step < plan.steps(); ++step) {
        for (std::size_t shard = 0; shard < plan.shards(); ++shard) {
          for (const auto& range : plan.micro_batches(step, shard)) {
            const auto samples = plan.order().subspan(static_cast<std::size_t>(range.first),
                                                      static_cast<std::size_t>(range.count));
            by_shard[rank + ranks * turns[shard]].emplace_back(samples.begin(), samples.end());
          }
        }
      }
    }
    EXPECT_EQ(by_shard.size(), static_cast<std::size_t>(kShards));
    of_world.push_back(by_shard);
  }
  for (const auto& world : of_world) EXPECT_EQ(world, of_world.front());
}

/// A run that is resumed at other numbers of ranks, in the middle of an epoch.
TEST(EpochPlan, ARunThatMovesBetweenNumbersOfRanksSeesEachSampleOnce) {
  constexpr std::int64_t kSamples = 1009;
  constexpr std::int64_t kGlobalBatch = 48;
  std::vector<std::int64_t> identity(kSamples);
  std::iota(identity.begin(), identity.end(), 0);
  struct Leg {
    std::int64_t ranks;
    std::int64_t first;
    std::int64_t end;
  };
  std::vector<int> seen(kSamples, 0);
  for (const auto& leg :
       {Leg{4, 0, 5}, Leg{2, 5, 6}, Leg{1, 6, 13}, Leg{3, 13, 20}, Leg{4, 20, 22}}) {
    const data::DistributedSampler sampler{
        .samples = kSamples, .replicas = leg.ranks, .tail = data::Tail::kExact, .seed = 1};
    const BatchSizes sizes{.micro = kGlobalBatch / leg.ranks, .ranks = leg.ranks};
    ASSERT_EQ(EpochPlan::steps(sampler, sizes), 22);
    for (int rank = 0; rank < leg.ranks; ++rank) {
      const EpochPlan plan(sampler, sizes, rank, 2, identity);
      for (std::int64_t step = leg.first; step < leg.end; ++step) {
        for (const auto& range : plan.micro_batches(step, 0)) {
          for (std::int64_t i = 0; i < range.count; ++i) {
            ++seen[static_cast<std::size_t>(
                plan.order()[static_cast<std::size_t>(range.first + i)])];
          }
        }
      }
    }
  }
  EXPECT_EQ(seen, std::vector<int>(kSamples, 1));
}

}  // namespace
}  // namespace lockstep::train

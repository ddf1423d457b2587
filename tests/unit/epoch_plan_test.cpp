#include <numeric>
#include <set>

#include <gtest/gtest.h>

#include <lockstep/train/epoch_plan.hpp>

namespace lockstep::train {
namespace {

using Samples = std::multiset<std::int64_t>;

struct Shape {
  std::int64_t samples;
  std::int64_t ranks;
  std::int64_t micro;
  std::int64_t accumulate;
};

class EpochPlanTest : public ::testing::TestWithParam<Shape> {
 protected:
  /// The samples of each step over all ranks, as the plans of all ranks say.
  static std::vector<Samples> steps(const Shape& shape, data::Tail tail) {
    const data::DistributedSampler sampler{
        .samples = shape.samples, .replicas = shape.ranks, .tail = tail, .seed = 5};
    const BatchSizes sizes{
        .micro = shape.micro, .accumulate = shape.accumulate, .ranks = shape.ranks};
    std::vector<std::int64_t> identity(static_cast<std::size_t>(shape.samples));
    std::iota(identity.begin(), identity.end(), 0);
    std::vector<Samples> result(static_cast<std::size_t>(EpochPlan::steps(sampler, sizes)));
    for (int rank = 0; rank < shape.ranks; ++rank) {
      const EpochPlan plan(sampler, sizes, rank, 1, identity);
      for (std::size_t s = 0; s < result.size(); ++s) {
        const auto batches = plan.micro_batches(static_cast<std::int64_t>(s));
        EXPECT_LE(static_cast<std::int64_t>(batches.size()), shape.accumulate);
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
  const Shape alone{shape.samples, 1, shape.micro * shape.accumulate * shape.ranks, 1};
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
                                           Shape{1003, 3, 20, 1}, Shape{5, 4, 64, 1}));

}  // namespace
}  // namespace lockstep::train

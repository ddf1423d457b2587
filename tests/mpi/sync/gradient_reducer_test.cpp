#include <memory>

#include <gtest/gtest.h>

#include <lockstep/comm/factory.hpp>
#include <lockstep/sync/gradient_reducer.hpp>

namespace lockstep::sync {
namespace {

constexpr std::int64_t kSamples = 10;

/// The same network on every rank, and a batch that the ranks share: rank r takes samples r, r + n,
/// …; with more ranks than samples some take none.
class SharedBatch {
 public:
  SharedBatch() {
    torch::manual_seed(3);
    first = torch::nn::Linear(6, 8);
    second = torch::nn::Linear(8, 3);
    images = torch::randn({kSamples, 6});
    targets = torch::randn({kSamples, 3});
  }
  [[nodiscard]] torch::Tensor loss_sum(const torch::Tensor& rows) {
    const auto outputs = second(torch::relu(first(images.index_select(0, rows))));
    return (outputs - targets.index_select(0, rows)).pow(2).sum();
  }
  [[nodiscard]] std::vector<torch::Tensor> parameters() const {
    return {first->weight, first->bias, second->weight, second->bias};
  }

  torch::nn::Linear first = nullptr;
  torch::nn::Linear second = nullptr;
  torch::Tensor images;
  torch::Tensor targets;
};

struct Case {
  bool progress_thread;
  bool node_shared;
  BucketLimits limits;
  std::int64_t samples;
};

class ReducerOverRanks : public ::testing::TestWithParam<Case> {};

TEST_P(ReducerOverRanks, GivesTheGradientOfTheWholeBatchOnEveryRank) {
  const auto [progress_thread, node_shared, limits, samples] = GetParam();
  const auto layout = runtime::discover_rank_layout();
  const auto communicator = comm::make_communicator(
      {.progress_thread = progress_thread, .node_shared = node_shared}, layout);

  SharedBatch alone;
  const auto all = torch::arange(samples);
  const auto whole_loss = alone.loss_sum(all);
  (whole_loss / samples).backward();

  SharedBatch shared;
  runtime::HostStream compute;
  GradientReducer reducer(shared.parameters(), *communicator, compute, limits);
  const auto mine = torch::arange(samples).masked_select(
      torch::arange(samples).remainder(layout.world_size).eq(layout.rank));
  for (int step = 0; step < 3; ++step) {
    reducer.begin_step();
    StepContribution part{.samples = mine.numel(),
                          .wants_to_stop = layout.rank == layout.world_size - 1 && step == 2};
    torch::Tensor loss;
    if (mine.numel() > 0) {
      loss = shared.loss_sum(mine);
      part.loss_sum = loss;
    }
    reducer.expect_last_backward(part);
    if (loss.defined()) (loss / samples).backward();
    (void)reducer.finish_step();
    const auto totals = reducer.take_totals();

    EXPECT_NEAR(totals.loss_sum, whole_loss.item<double>(), 1e-4);
    EXPECT_EQ(totals.samples, samples);
    EXPECT_EQ(totals.stop, step == 2);
    for (std::size_t i = 0; i < shared.parameters().size(); ++i) {
      EXPECT_TRUE(shared.parameters()[i].grad().allclose(alone.parameters()[i].grad(), 1e-5, 1e-6));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    ModesAndTails, ReducerOverRanks,
    ::testing::Values(Case{false, false, {}, kSamples}, Case{false, true, {}, kSamples},
                      Case{true, false, {4, 4}, kSamples}, Case{true, true, {4, 4}, kSamples},
                      Case{true, true, {64, 1 << 20}, kSamples}, Case{false, true, {4, 4}, 2},
                      Case{true, false, {4, 4}, 1}));

}  // namespace
}  // namespace lockstep::sync

// What only the communicator through shared memory does: several nodes, and ranks that do not come.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <lockstep/comm/factory.hpp>
#include <lockstep/runtime/rank_layout.hpp>

namespace lockstep::comm {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

/// The layout as if every `ranks_a_node` ranks were on a node of their own.
runtime::RankLayout pretend_nodes(int ranks_a_node) {
  auto layout = runtime::discover_rank_layout();
  const int first = layout.rank / ranks_a_node * ranks_a_node;
  const int end = std::min(first + ranks_a_node, layout.world_size);
  layout.node_ranks.clear();
  for (int rank = first; rank < end; ++rank) layout.node_ranks.push_back(rank);
  layout.local_rank = layout.rank - first;
  layout.local_size = end - first;
  return layout;
}

/// With 3 ranks and 2 a node, one node is smaller than the other.
class SeveralNodes : public ::testing::TestWithParam<int> {};

TEST_P(SeveralNodes, SumOverAllRanksAndAgreeOnEveryBit) {
  const auto layout = pretend_nodes(GetParam());
  const auto communicator = make_communicator({}, layout);
  constexpr std::size_t kCount = 5003;
  const auto memory = communicator->allocate(kCount);
  for (int round = 0; round < 5; ++round) {
    for (std::size_t i = 0; i < kCount; ++i) {
      memory[i] = static_cast<float>(std::sin(i + 1) / (layout.rank + 1));
    }
    communicator->all_reduce(memory, memory).wait();
    std::vector<float> of_rank_0(memory.begin(), memory.end());
    communicator->broadcast(std::as_writable_bytes(std::span(of_rank_0)), 0).wait();
    for (std::size_t i = 0; i < kCount; ++i) {
      double sum = 0;
      for (int rank = 0; rank < layout.world_size; ++rank) {
        sum += static_cast<double>(static_cast<float>(std::sin(i + 1) / (rank + 1)));
      }
      ASSERT_NEAR(memory[i], sum, 1e-6) << i;
      ASSERT_EQ(memory[i], of_rank_0[i]) << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(RanksANode, SeveralNodes, ::testing::Values(1, 2, 3));

TEST(NodeSharedCommunicator, NamesARankThatDoesNotCome) {
  const auto layout = runtime::discover_rank_layout();
  if (layout.world_size < 2) GTEST_SKIP() << "needs two ranks";
  const auto communicator =
      make_communicator({.timeout = std::chrono::duration<double>(0.3)}, layout);
  const auto memory = communicator->allocate(1000);
  const int absent = layout.world_size - 1;
  if (layout.rank == absent) {
    // Comes once all others have given up, so that nobody is left behind.
    communicator->barrier();
    return;
  }
  try {
    communicator->all_reduce(memory, memory).wait();
    ADD_FAILURE() << "should have timed out";
  } catch (const RuntimeFailure& failure) {
    EXPECT_THAT(failure.what(),
                AllOf(HasSubstr("1000 elements"), HasSubstr(layout.describe(absent)),
                      HasSubstr("0.3 s"), HasSubstr("raise the time limit")));
    EXPECT_EQ(failure.settings(), Settings{"collective_timeout"});
    EXPECT_THAT(failure.what(), ::testing::Not(HasSubstr(layout.describe(layout.rank))));
  }
  communicator->barrier();
}

}  // namespace
}  // namespace lockstep::comm

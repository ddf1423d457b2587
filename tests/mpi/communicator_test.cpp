#include <memory>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include <lockstep/comm/factory.hpp>
#include <lockstep/runtime/rank_layout.hpp>

namespace lockstep::comm {
namespace {

/// With and without a progress thread.
class CommunicatorTest : public ::testing::TestWithParam<bool> {
 protected:
  const runtime::RankLayout layout_ = runtime::discover_rank_layout();
  const std::unique_ptr<Communicator> communicator_ =
      make_communicator({.progress_thread = GetParam()}, layout_);
};

TEST_P(CommunicatorTest, SumsOverAllRanks) {
  const int ranks = layout_.world_size;
  for (const std::size_t count : {std::size_t{1}, std::size_t{7}, std::size_t{100'000}}) {
    std::vector<float> floats(count);
    std::vector<double> doubles(count);
    for (std::size_t i = 0; i < count; ++i) {
      floats[i] = static_cast<float>((i % 97) * static_cast<std::size_t>(layout_.rank + 1));
      doubles[i] = 0.5 * floats[i];
    }
    auto first = communicator_->all_reduce(std::span<float>(floats));
    auto second = communicator_->all_reduce(std::span<double>(doubles));
    EXPECT_GE(first.wait(), 0.0);
    second.wait();
    const auto factor = static_cast<float>(ranks * (ranks + 1) / 2);
    for (std::size_t i = 0; i < count; ++i) {
      ASSERT_EQ(floats[i], static_cast<float>(i % 97) * factor);
      ASSERT_EQ(doubles[i], 0.5 * static_cast<double>(static_cast<float>(i % 97) * factor));
    }
  }
}

TEST_P(CommunicatorTest, ManyOperationsInFlightKeepTheirOrder) {
  std::vector<std::vector<float>> buffers(20, std::vector<float>(1000, 1.0F));
  std::vector<Completion> completions;
  for (auto& buffer : buffers) {
    completions.push_back(communicator_->all_reduce(std::span<float>(buffer)));
  }
  for (auto& completion : completions) completion.wait();
  for (const auto& buffer : buffers) {
    EXPECT_EQ(buffer.front(), static_cast<float>(layout_.world_size));
  }
}

TEST_P(CommunicatorTest, BroadcastsFromEveryRoot) {
  for (int root = 0; root < layout_.world_size; ++root) {
    std::vector<std::byte> bytes(333, static_cast<std::byte>(layout_.rank));
    communicator_->broadcast(bytes, root).wait();
    for (const std::byte byte : bytes) ASSERT_EQ(byte, static_cast<std::byte>(root));
  }
  communicator_->barrier();
}

TEST_P(CommunicatorTest, KnowsItsPlace) {
  EXPECT_EQ(communicator_->rank(), layout_.rank);
  EXPECT_EQ(communicator_->size(), layout_.world_size);
  EXPECT_EQ(communicator_->overlaps(), GetParam() && layout_.world_size > 1);
}

INSTANTIATE_TEST_SUITE_P(ProgressThread, CommunicatorTest, ::testing::Bool());

TEST(MakeCommunicator, RefusesABackendThatIsNotThere) {
  EXPECT_THROW(
      (void)make_communicator({.backend = Backend::kNccl}, runtime::discover_rank_layout()),
      UsageError);
}

}  // namespace
}  // namespace lockstep::comm

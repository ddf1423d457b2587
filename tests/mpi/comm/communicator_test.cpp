#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <lockstep/comm/factory.hpp>
#include <lockstep/runtime/rank_layout.hpp>

namespace lockstep::comm {
namespace {

struct Variant {
  bool progress_thread;
  bool node_shared;
};

class CommunicatorTest : public ::testing::TestWithParam<Variant> {
 protected:
  const runtime::RankLayout layout_ = runtime::discover_rank_layout();
  const std::unique_ptr<Communicator> communicator_ = make_communicator(
      {.progress_thread = GetParam().progress_thread, .node_shared = GetParam().node_shared},
      layout_);
};

TEST_P(CommunicatorTest, SumsOverAllRanks) {
  const int ranks = layout_.world_size;
  for (const std::size_t count : {std::size_t{1}, std::size_t{7}, std::size_t{100'000}}) {
    std::vector<float> floats(count);
    std::vector<double> doubles(count);
    for (std::size_t i = 0; i < count; ++i) {
      floats[i] = static_cast<float>(i % 97) * static_cast<float>(layout_.rank + 1);
      doubles[i] = 0.5 * floats[i];
    }
    auto first = communicator_->all_reduce(floats, floats);
    auto second = communicator_->all_reduce(std::span<double>(doubles));
    EXPECT_GE(first.wait().seconds, 0.0);
    second.wait();
    const int sum_of_factors = ranks * (ranks + 1) / 2;
    const auto factor = static_cast<float>(sum_of_factors);
    for (std::size_t i = 0; i < count; ++i) {
      ASSERT_EQ(floats[i], static_cast<float>(i % 97) * factor);
      ASSERT_EQ(doubles[i], 0.5 * static_cast<double>(static_cast<float>(i % 97) * factor));
    }
  }
}

TEST_P(CommunicatorTest, GathersEveryRanksBytesInRankOrder) {
  for (const std::size_t count :
       {std::size_t{0}, std::size_t{1}, std::size_t{3}, std::size_t{70'000}}) {
    const std::vector<std::byte> mine(count, static_cast<std::byte>(layout_.rank + 1));
    std::vector<std::byte> all(count * static_cast<std::size_t>(layout_.world_size));
    communicator_->all_gather(mine, all).wait();
    for (std::size_t i = 0; i < all.size(); ++i) {
      ASSERT_EQ(std::to_integer<std::size_t>(all[i]), i / count + 1) << "byte " << i;
    }
  }
}

TEST_P(CommunicatorTest, GivesZeroedMemoryOnCacheLines) {
  for (const std::size_t count : {std::size_t{1}, std::size_t{100'003}}) {
    const auto memory = communicator_->allocate(count);
    ASSERT_EQ(memory.size(), count);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory.data()) % 64, 0U);
    EXPECT_EQ(std::count(memory.begin(), memory.end(), 0.0F), static_cast<std::ptrdiff_t>(count));
    std::fill(memory.begin(), memory.end(), static_cast<float>(layout_.rank));
    communicator_->barrier();
    EXPECT_EQ(std::count(memory.begin(), memory.end(), static_cast<float>(layout_.rank)),
              static_cast<std::ptrdiff_t>(count));
  }
}

/// Numbers whose sum depends on the order of addition.
float value_of(int rank, std::size_t index) {
  return static_cast<float>(static_cast<double>((index * 7919 + 13) % 1009) /
                            std::pow(3.0, rank + 1));
}

/// The sum over ranks, pairing them by the highest bit of their number first.
float sum_of_tree(int ranks, std::size_t index) {
  const auto value = [&](int rank) { return value_of(rank, index); };
  switch (ranks) {
    case 1:
      return value(0);
    case 2:
      return value(0) + value(1);
    case 3:
      return (value(0) + value(2)) + value(1);
    default:
      return (value(0) + value(2)) + (value(1) + value(3));
  }
}

TEST_P(CommunicatorTest, SumsInItsOwnMemoryInPlaceAndOutOfPlace) {
  constexpr std::size_t kCount = 20'011;
  const auto send = communicator_->allocate(kCount);
  const auto receive = communicator_->allocate(kCount);
  // Whole buffers, ranges of less than a cache line a rank, odd offsets; each again and again.
  const std::vector<std::pair<std::size_t, std::size_t>> ranges = {
      {0, kCount}, {0, 1}, {3, 50}, {17, 5000}, {kCount - 1, 1}};
  for (int round = 0; round < 20; ++round) {
    for (const auto& [offset, count] : ranges) {
      const auto from = send.subspan(offset, count);
      const auto to = round % 2 == 0 ? receive.subspan(offset, count) : from;
      for (std::size_t i = 0; i < count; ++i) from[i] = value_of(layout_.rank, i);
      communicator_->all_reduce(from, to).wait();
      for (std::size_t i = 0; i < count; ++i) {
        const float sum = sum_of_tree(layout_.world_size, i);
        if (GetParam().node_shared) {
          ASSERT_EQ(to[i], sum) << "is not the sum of the tree, at " << i;
        } else {
          ASSERT_NEAR(to[i], sum, 1e-4F * sum);
        }
        if (round % 2 == 0) {
          ASSERT_EQ(from[i], value_of(layout_.rank, i)) << "send has changed";
        }
      }
    }
  }
}

TEST_P(CommunicatorTest, ManyOperationsInFlightKeepTheirOrder) {
  const auto memory = communicator_->allocate(20'000);
  std::fill(memory.begin(), memory.end(), 1.0F);
  std::vector<Completion> completions;
  for (std::size_t i = 0; i < 20; ++i) {
    const auto buffer = memory.subspan(1000 * i, 1000);
    completions.push_back(communicator_->all_reduce(buffer, buffer));
  }
  for (auto& completion : completions) completion.wait();
  for (const float sum : memory) ASSERT_EQ(sum, static_cast<float>(layout_.world_size));
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
  EXPECT_EQ(communicator_->overlaps(), GetParam().progress_thread && layout_.world_size > 1);
}

INSTANTIATE_TEST_SUITE_P(Variants, CommunicatorTest,
                         ::testing::Values(Variant{false, false}, Variant{false, true},
                                           Variant{true, false}, Variant{true, true}));

TEST(MakeCommunicator, RefusesABackendThatIsNotThere) {
  EXPECT_THROW(
      (void)make_communicator({.backend = Backend::kNccl}, runtime::discover_rank_layout()),
      UsageError);
}

}  // namespace
}  // namespace lockstep::comm

#include <algorithm>
#include <bit>
#include <cstdint>
#include <functional>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include <lockstep/sync/shard_tree.hpp>

#include "shards.hpp"

namespace lockstep::sync {
namespace {

using tests::random_shards;
using tests::Shards;
using tests::sum_of_tree;

std::uint32_t bits(float value) {
  return std::bit_cast<std::uint32_t>(value);
}

TEST(ShardOrder, ReversesTheBitsOfThePosition) {
  EXPECT_EQ(shard_order(1), (std::vector<std::int64_t>{0}));
  EXPECT_EQ(shard_order(2), (std::vector<std::int64_t>{0, 1}));
  EXPECT_EQ(shard_order(8), (std::vector<std::int64_t>{0, 4, 2, 6, 1, 5, 3, 7}));
}

/// The sums of `shards`, whose buffer is completed in two parts.
std::vector<float> sums_by_shard_tree(const Shards& shards) {
  const auto count = static_cast<std::int64_t>(shards.size());
  const auto elements = static_cast<std::int64_t>(shards.front().size());
  auto buffer = torch::empty({elements});
  runtime::HostStream compute;
  ShardTree tree(buffer, count, compute);
  for (int step = 0; step < 2; ++step) {  // the second finds what the first has left
    tree.clear();
    std::int64_t left = count;
    for (const std::int64_t shard : shard_order(count)) {
      const auto& values = shards[static_cast<std::size_t>(shard)];
      std::copy(values.begin(), values.end(), buffer.data_ptr<float>());
      if (--left > 0) tree.combine();
    }
    tree.add_combined(0, elements / 3);
    tree.add_combined(elements / 3, elements - elements / 3);
  }
  return {buffer.data_ptr<float>(), buffer.data_ptr<float>() + elements};
}

TEST(ShardTree, GivesTheBitsOfTheDefinitionForAnyNumberOfShards) {
  std::mt19937 random(1);
  bool order_matters = false;
  for (std::int64_t count = 1; count <= 64; count *= 2) {
    for (int round = 0; round < 5; ++round) {
      const std::int64_t elements = std::uniform_int_distribution<int>(1, 300)(random);
      const auto shards = random_shards(random, count, elements);
      const auto sums = sums_by_shard_tree(shards);
      for (std::size_t i = 0; i < sums.size(); ++i) {
        ASSERT_EQ(bits(sums[i]), bits(sum_of_tree(shards, i))) << count << " shards";
        float in_a_row = 0;
        for (const auto& shard : shards) in_a_row += shard[i];
        order_matters = order_matters || in_a_row != sums[i];
      }
    }
  }
  EXPECT_TRUE(order_matters) << "these numbers would show nothing";
}

}  // namespace
}  // namespace lockstep::sync

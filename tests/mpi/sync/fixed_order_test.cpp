// Shards at ranks, summed by a rank's tree and by the communicator: one tree over all shards,
// whatever the number of ranks and the backend.
#include <bit>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include <gtest/gtest.h>

#include <lockstep/comm/factory.hpp>
#include <lockstep/sync/shard_tree.hpp>

#include "shards.hpp"

namespace lockstep::sync {
namespace {

using tests::random_shards;
using tests::Shards;
using tests::sum_of_tree;

struct Variant {
  bool progress_thread;
  bool node_shared;
};

class FixedOrderTest : public ::testing::TestWithParam<Variant> {};

TEST_P(FixedOrderTest, IsOneTreeOverAllShards) {
  const auto layout = runtime::discover_rank_layout();
  const auto ranks = static_cast<std::size_t>(layout.world_size);
  const auto rank = static_cast<std::size_t>(layout.rank);
  const auto communicator = comm::make_communicator({.progress_thread = GetParam().progress_thread,
                                                     .node_shared = GetParam().node_shared,
                                                     .fixed_order = true},
                                                    layout);
  runtime::HostStream compute;
  std::mt19937 random(7);  // the same on all ranks
  for (int round = 0; round < 12; ++round) {
    const std::size_t shard_count = ranks << static_cast<unsigned>(round % 4);
    const auto elements = std::uniform_int_distribution<std::size_t>(1, 5000)(random);
    const auto shards = random_shards(random, shard_count, elements);
    const auto memory = communicator->allocate(elements);
    auto buffer = torch::from_blob(memory.data(), {static_cast<std::int64_t>(elements)});
    const auto per_rank = static_cast<std::int64_t>(shard_count / ranks);
    ShardTree tree(buffer, per_rank, compute);
    std::int64_t left = per_rank;
    for (const std::int64_t turn : shard_order(per_rank)) {
      const auto& shard = shards[rank + ranks * static_cast<std::size_t>(turn)];
      std::copy(shard.begin(), shard.end(), memory.begin());
      if (--left > 0) tree.combine();
    }
    tree.add_combined(0, buffer.numel());
    communicator->all_reduce(memory, memory).wait();
    for (std::size_t i = 0; i < elements; ++i) {
      ASSERT_EQ(std::bit_cast<std::uint32_t>(memory[i]),
                std::bit_cast<std::uint32_t>(sum_of_tree(shards, i)))
          << shard_count << " shards, element " << i;
    }
    communicator->barrier();
  }
}

INSTANTIATE_TEST_SUITE_P(Variants, FixedOrderTest,
                         ::testing::Values(Variant{false, false}, Variant{false, true},
                                           Variant{true, false}, Variant{true, true}));

}  // namespace
}  // namespace lockstep::sync

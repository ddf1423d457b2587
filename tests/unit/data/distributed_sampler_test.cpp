#include <algorithm>
#include <numeric>
#include <set>

#include <gtest/gtest.h>

#include <lockstep/base/sha256.hpp>
#include <lockstep/data/distributed_sampler.hpp>

#include "golden.hpp"

namespace lockstep::data {
namespace {

std::string digest(const std::vector<std::int64_t>& indices) {
  Sha256 sha;
  sha.update(std::as_bytes(std::span(indices)));
  return to_hex(sha.finish());
}

TEST(DistributedSampler, MatchesPyTorchIndexForIndex) {
  const auto cases = tests::load_golden("distributed_sampler.json", "cases");
  ASSERT_GE(cases.size(), 100U);
  for (const auto& item : cases) {
    const DistributedSampler sampler{.samples = item["n"],
                                     .replicas = item["world_size"],
                                     .tail = item["drop_last"] ? Tail::kDrop : Tail::kPad,
                                     .shuffle = item["shuffle"],
                                     .seed = item["seed"]};
    for (std::int64_t rank = 0; rank < sampler.replicas; ++rank) {
      SCOPED_TRACE(item["n"].dump() + " samples, rank " + std::to_string(rank) + " of " +
                   item["world_size"].dump());
      const auto& expected = item["ranks"][static_cast<std::size_t>(rank)];
      const auto indices = sampler.indices(rank, item["epoch"]);
      EXPECT_EQ(static_cast<std::int64_t>(indices.size()), expected["count"]);
      EXPECT_EQ(sampler.count(rank), expected["count"]);
      EXPECT_EQ(digest(indices), expected["sha256_le_int64"]);
      if (expected.contains("indices")) {
        EXPECT_EQ(indices, expected["indices"].get<std::vector<std::int64_t>>());
      }
    }
  }
}

class ExactTail : public ::testing::TestWithParam<std::tuple<std::int64_t, std::int64_t>> {};

TEST_P(ExactTail, TakesEverySampleOnceAndSharesFairly) {
  const auto [samples, replicas] = GetParam();
  const DistributedSampler sampler{
      .samples = samples, .replicas = replicas, .tail = Tail::kExact, .shuffle = true, .seed = 9};
  std::multiset<std::int64_t> seen;
  std::int64_t least = samples;
  std::int64_t most = 0;
  for (std::int64_t replica = 0; replica < replicas; ++replica) {
    const auto indices = sampler.indices(replica, 2);
    seen.insert(indices.begin(), indices.end());
    least = std::min(least, sampler.count(replica));
    most = std::max(most, sampler.count(replica));
  }
  std::multiset<std::int64_t> all;
  for (std::int64_t i = 0; i < samples; ++i) all.insert(i);
  EXPECT_EQ(seen, all);
  EXPECT_LE(most - least, 1);
  EXPECT_EQ(sampler.total(), samples);
}

INSTANTIATE_TEST_SUITE_P(ManyShapes, ExactTail,
                         ::testing::Combine(::testing::Values(1, 2, 7, 64, 1003),
                                            ::testing::Values(1, 2, 3, 4, 8)));

TEST(DistributedSampler, ReplicasTogetherFollowOneOrderWhateverTheirNumber) {
  const DistributedSampler one{.samples = 101, .replicas = 1, .seed = 4};
  const auto order = one.indices(0, 3);
  for (const std::int64_t replicas : {2, 3, 4, 5}) {
    for (const Tail tail : {Tail::kPad, Tail::kDrop, Tail::kExact}) {
      const DistributedSampler many{.samples = 101, .replicas = replicas, .tail = tail, .seed = 4};
      for (std::int64_t replica = 0; replica < replicas; ++replica) {
        const auto indices = many.indices(replica, 3);
        for (std::size_t j = 0; j < indices.size(); ++j) {
          const auto position =
              j * static_cast<std::size_t>(replicas) + static_cast<std::size_t>(replica);
          EXPECT_EQ(indices[j], order[position % order.size()]);
        }
      }
    }
  }
}

TEST(DistributedSampler, AShareIsWhatTheReplicaHasOfARange) {
  for (const std::int64_t replicas : {1, 2, 3, 8}) {
    const DistributedSampler sampler{.samples = 50, .replicas = replicas, .tail = Tail::kExact};
    for (std::int64_t first = 0; first < 50; ++first) {
      for (const std::int64_t count : {0, 1, 7, 50}) {
        for (std::int64_t replica = 0; replica < replicas; ++replica) {
          std::vector<std::int64_t> places;  // by trying each
          for (std::int64_t j = 0; j * replicas + replica < first + count; ++j) {
            if (j * replicas + replica >= first) places.push_back(j);
          }
          const auto share = sampler.share(replica, first, count);
          ASSERT_EQ(share.count, std::ssize(places));
          if (!places.empty()) {
            ASSERT_EQ(share.first, places.front());
          }
        }
      }
    }
  }
}

TEST(DistributedSampler, EveryEpochHasAnotherOrder) {
  const DistributedSampler sampler{.samples = 50, .replicas = 1, .seed = 0};
  EXPECT_NE(sampler.indices(0, 0), sampler.indices(0, 1));
}

}  // namespace
}  // namespace lockstep::data

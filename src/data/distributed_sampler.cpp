#include <lockstep/data/distributed_sampler.hpp>

#include "random_permutation.hpp"

namespace lockstep::data {

std::int64_t DistributedSampler::count(std::int64_t replica) const {
  const std::int64_t whole = samples / replicas;
  const std::int64_t left_over = samples % replicas;
  switch (tail) {
    case Tail::kPad:
      return whole + (left_over > 0 ? 1 : 0);
    case Tail::kDrop:
      return whole;
    case Tail::kExact:
      break;
  }
  return whole + (replica < left_over ? 1 : 0);
}

std::int64_t DistributedSampler::total() const {
  return tail == Tail::kExact ? samples : count(0) * replicas;
}

std::vector<std::int64_t> DistributedSampler::indices(std::int64_t replica,
                                                      std::int64_t epoch) const {
  std::vector<std::int64_t> mine(static_cast<std::size_t>(count(replica)));
  std::int64_t position = replica;
  for (auto& index : mine) {
    index = position % samples;
    position += replicas;
  }
  if (!shuffle) return mine;
  const auto permutation = random_permutation(samples, seed + static_cast<std::uint64_t>(epoch));
  const auto* permuted = permutation.data_ptr<std::int64_t>();
  for (auto& index : mine) index = permuted[index];
  return mine;
}

SampleRange DistributedSampler::share(std::int64_t replica, std::int64_t first,
                                      std::int64_t count) const {
  // Elements of the replica before `end`.
  const auto before = [&](std::int64_t end) { return (end - replica + replicas - 1) / replicas; };
  return {.first = before(first), .count = before(first + count) - before(first)};
}

}  // namespace lockstep::data

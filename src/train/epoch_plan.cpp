#include <algorithm>

#include <lockstep/sync/shard_tree.hpp>
#include <lockstep/train/epoch_plan.hpp>

namespace lockstep::train {

EpochPlan::EpochPlan(const data::DistributedSampler& sampler, const BatchSizes& sizes, int rank,
                     std::int64_t epoch, std::span<const std::int64_t> samples)
    : sampler_(sampler), sizes_(sizes), epoch_(epoch), begins_{0} {
  for (const std::int64_t turn : sync::shard_order(sizes.shards_per_rank)) {
    numbers_.push_back(rank + sizes.ranks * turn);
    const auto shard = sampler.indices(numbers_.back(), epoch);
    for (const std::int64_t index : shard)
      mine_.push_back(samples[static_cast<std::size_t>(index)]);
    begins_.push_back(static_cast<std::int64_t>(mine_.size()));
  }
}

std::int64_t EpochPlan::steps(const data::DistributedSampler& sampler, const BatchSizes& sizes) {
  return (sampler.count(0) + sizes.per_shard() - 1) / sizes.per_shard();
}

std::vector<data::SampleRange> EpochPlan::micro_batches(std::int64_t step,
                                                        std::size_t shard) const {
  std::vector<data::SampleRange> batches;
  const std::int64_t first = begins_[shard] + step * sizes_.per_shard();
  const std::int64_t end = std::min(first + sizes_.per_shard(), begins_[shard + 1]);
  for (std::int64_t begin = first; begin < end; begin += sizes_.micro) {
    batches.push_back({.first = begin, .count = std::min(sizes_.micro, end - begin)});
  }
  return batches;
}

std::int64_t EpochPlan::global_samples(std::int64_t step) const {
  const std::int64_t begin = step * sizes_.global();
  return std::clamp<std::int64_t>(sampler_.total() - begin, 0, sizes_.global());
}

}  // namespace lockstep::train

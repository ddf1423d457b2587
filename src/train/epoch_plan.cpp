#include <algorithm>

#include <lockstep/train/epoch_plan.hpp>

namespace lockstep::train {

EpochPlan::EpochPlan(const data::DistributedSampler& sampler, const BatchSizes& sizes, int rank,
                     std::int64_t epoch, std::span<const std::int64_t> samples)
    : sampler_(sampler), sizes_(sizes), mine_(sampler.indices(rank, epoch)) {
  for (auto& index : mine_) index = samples[static_cast<std::size_t>(index)];
}

std::int64_t EpochPlan::steps(const data::DistributedSampler& sampler, const BatchSizes& sizes) {
  return (sampler.count(0) + sizes.per_rank() - 1) / sizes.per_rank();
}

std::vector<data::SampleRange> EpochPlan::micro_batches(std::int64_t step) const {
  std::vector<data::SampleRange> batches;
  const auto size = static_cast<std::int64_t>(mine_.size());
  const std::int64_t end = std::min((step + 1) * sizes_.per_rank(), size);
  for (std::int64_t begin = step * sizes_.per_rank(); begin < end; begin += sizes_.micro) {
    batches.push_back({.first = begin, .count = std::min(sizes_.micro, end - begin)});
  }
  return batches;
}

std::int64_t EpochPlan::global_samples(std::int64_t step) const {
  const std::int64_t begin = step * sizes_.global();
  return std::clamp<std::int64_t>(sampler_.total() - begin, 0, sizes_.global());
}

}  // namespace lockstep::train

// Which samples one rank takes in each step of one epoch.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <lockstep/data/batch_gatherer.hpp>
#include <lockstep/data/distributed_sampler.hpp>
#include <lockstep/train/batch_sizes.hpp>

namespace lockstep::train {

/// Step s of an epoch (from 0) takes samples [s · G, (s + 1) · G) of the sampler's order over all
/// ranks together, G being the global batch: the set does not depend on the number of ranks.
class EpochPlan {
 public:
  /// `epoch` from 0. `samples` maps the sampler's indices to those of the data set.
  EpochPlan(const data::DistributedSampler& sampler, const BatchSizes& sizes, int rank,
            std::int64_t epoch, std::span<const std::int64_t> samples);

  [[nodiscard]] static std::int64_t steps(const data::DistributedSampler& sampler,
                                          const BatchSizes& sizes);
  [[nodiscard]] std::int64_t steps() const { return steps(sampler_, sizes_); }

  /// This rank's samples of the epoch, in order: data-set indices.
  [[nodiscard]] std::span<const std::int64_t> order() const { return mine_; }

  /// This rank's forward passes of step `step`: ranges of `order`, at most `micro` long; none if
  /// this rank's shard has ended.
  [[nodiscard]] std::vector<data::SampleRange> micro_batches(std::int64_t step) const;

  /// Samples of step `step` over all ranks.
  [[nodiscard]] std::int64_t global_samples(std::int64_t step) const;

 private:
  data::DistributedSampler sampler_;
  BatchSizes sizes_;
  std::vector<std::int64_t> mine_;
};

}  // namespace lockstep::train

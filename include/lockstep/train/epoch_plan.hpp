// Which samples one rank takes in each step of one epoch.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <lockstep/data/batch_gatherer.hpp>
#include <lockstep/data/distributed_sampler.hpp>
#include <lockstep/train/batch_sizes.hpp>

namespace lockstep::train {

/// Step s of an epoch (from 0) takes samples [s · G, (s + 1) · G) of the sampler's order over all
/// shards together, where G is the global batch: this set does not depend on the number of ranks.
///
/// The sampler's replicas are the shards: shard v belongs to rank v mod ranks. A rank takes its
/// shards in the order in which sync::ShardTree adds them up.
class EpochPlan {
 public:
  /// `epoch` from 0. `samples` maps the sampler's indices to those of the data set.
  EpochPlan(const data::DistributedSampler& sampler, const BatchSizes& sizes, int rank,
            std::int64_t epoch, std::span<const std::int64_t> samples);

  [[nodiscard]] static std::int64_t steps(const data::DistributedSampler& sampler,
                                          const BatchSizes& sizes);
  [[nodiscard]] std::int64_t steps() const { return steps(sampler_, sizes_); }

  [[nodiscard]] std::int64_t epoch() const { return epoch_; }

  /// This rank's samples of the epoch, shard after shard: data-set indices.
  [[nodiscard]] std::span<const std::int64_t> order() const { return mine_; }

  /// How many shards this rank takes, one after another, in each step.
  [[nodiscard]] std::size_t shards() const { return begins_.size() - 1; }
  /// The number, among all shards, of this rank's `shard`-th shard.
  [[nodiscard]] std::int64_t shard_number(std::size_t shard) const { return numbers_[shard]; }
  /// The forward passes of this rank's `shard`-th shard in step `step`: ranges of `order`, at most
  /// `micro` long; none if that shard has ended.
  [[nodiscard]] std::vector<data::SampleRange> micro_batches(std::int64_t step,
                                                             std::size_t shard) const;

  /// Samples of step `step` over all ranks.
  [[nodiscard]] std::int64_t global_samples(std::int64_t step) const;

 private:
  data::DistributedSampler sampler_;
  BatchSizes sizes_;
  std::int64_t epoch_;
  std::vector<std::int64_t> mine_;
  std::vector<std::int64_t> begins_;  // begins of the shards in `mine_`, and the end of the last
  std::vector<std::int64_t> numbers_;
};

}  // namespace lockstep::train

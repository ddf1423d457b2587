// Which samples each rank sees in which order: PyTorch's DistributedSampler, index for index.
#pragma once

#include <cstdint>
#include <vector>

namespace lockstep::data {

/// Consecutive samples of an order.
struct SampleRange {
  std::int64_t first = 0;
  std::int64_t count = 0;
};

/// What happens to a data set that the ranks cannot share evenly.
enum class Tail {
  kPad,   ///< repeat samples from the start until they can (PyTorch's default)
  kDrop,  ///< leave out the last n mod ranks (PyTorch's drop_last)
  kExact  ///< each sample exactly once; ranks may differ by one sample
};

/// The part of a data set of `samples` samples that each of `replicas` replicas takes in an epoch.
///
/// A pure function of its fields and the epoch: no state, any thread, no communication. In every
/// mode, replica r's j-th sample is element j · replicas + r of the epoch's permutation (taken
/// modulo the number of samples when padding), so that the first k samples of all replicas together
/// are the first k · replicas of the permutation, whatever the number of replicas.
/// Source: torch.utils.data.DistributedSampler (PyTorch 2.15),
/// https://docs.pytorch.org/docs/stable/data.html#torch.utils.data.distributed.DistributedSampler
struct DistributedSampler {
  std::int64_t samples = 0;
  std::int64_t replicas = 1;
  Tail tail = Tail::kPad;
  bool shuffle = true;
  std::uint64_t seed = 0;

  /// Samples of replica `replica` in each epoch.
  [[nodiscard]] std::int64_t count(std::int64_t replica) const;

  /// Samples of all replicas together in each epoch.
  [[nodiscard]] std::int64_t total() const;

  /// The indices, in [0, samples), of replica `replica` in epoch `epoch` (from 0, as in PyTorch's
  /// set_epoch): [count(replica)]. The permutation is torch.randperm with a generator seeded with
  /// seed + epoch; without shuffling it is the identity.
  [[nodiscard]] std::vector<std::int64_t> indices(std::int64_t replica, std::int64_t epoch) const;

  /// The part of the epoch's elements [first, first + count) that belongs to replica `replica`: a
  /// range of its `indices`.
  [[nodiscard]] SampleRange share(std::int64_t replica, std::int64_t first,
                                  std::int64_t count) const;
};

}  // namespace lockstep::data

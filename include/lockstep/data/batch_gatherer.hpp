// From the order of an epoch to batches on the device.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <torch/torch.h>

#include <lockstep/data/augmentation.hpp>
#include <lockstep/data/dataset.hpp>
#include <lockstep/data/distributed_sampler.hpp>

namespace lockstep::data {

/// A batch on the gatherer's device: inputs [B, …] float32, or int64 where they stay integers;
/// targets [B] int64 (classes) or [B, …] float32 (numbers).
struct Batch {
  torch::Tensor inputs;
  torch::Tensor targets;
};

/// Gathers rows of a data set into buffers that the next batch reuses, and converts them to numbers
/// there as the data set's specification says, after any augmentation. The data set must already be
/// on the device. One thread at a time.
class BatchGatherer {
 public:
  /// `augmentation` must suit the inputs (`check_augmentation`); `seed` is that of what it draws.
  BatchGatherer(Dataset dataset, std::int64_t largest_batch, const Augmentation& augmentation = {},
                std::uint64_t seed = 0);

  /// Sets the samples that batches are made of, as indices into the data set. They go to the device
  /// at once, so that no batch has to wait for them; on the CPU, `order` must outlive their use.
  /// `epoch` decides, with the seed, how each of them is augmented.
  void set_order(std::span<const std::int64_t> order, std::int64_t epoch = 0);

  /// Starts reading the inputs of samples order[first … first + count), without waiting for them,
  /// if they are mapped to a file.
  void prefetch(const SampleRange& range) const;

  /// Gathers samples order[first … first + count), with `count` at most `largest_batch`. The batch
  /// is valid until the next call.
  [[nodiscard]] Batch gather(const SampleRange& range);

 private:
  [[nodiscard]] std::vector<ImageTransform> draw(std::span<const std::int64_t> samples) const;
  void gather_inputs(const SampleRange& range, const torch::Tensor& index,
                     torch::Tensor& rows) const;

  Dataset dataset_;
  Augmentation augmentation_;
  std::uint64_t seed_;
  torch::Tensor order_;
  std::int64_t epoch_ = 0;
  torch::Tensor transforms_;  // of the whole order, on a device; a CPU draws those of each batch
  torch::Tensor raw_inputs_;
  torch::Tensor raw_targets_;
  torch::Tensor mean_;       // [C, 1, …]; undefined: 0
  torch::Tensor deviation_;  // the same; undefined: 1
  Batch buffer_;
};

}  // namespace lockstep::data

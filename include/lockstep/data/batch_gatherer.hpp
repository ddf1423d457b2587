// From the order of an epoch to batches on the device.
#pragma once

#include <cstdint>
#include <span>

#include <torch/torch.h>

#include <lockstep/data/image_dataset.hpp>

namespace lockstep::data {

/// A batch: images [B, 784] float32 in [0, 1], labels [B] int64, on the gatherer's device.
struct Batch {
  torch::Tensor images;
  torch::Tensor labels;
};

/// Consecutive samples of an order.
struct SampleRange {
  std::int64_t first = 0;
  std::int64_t count = 0;
};

/// Gathers rows of a data set into buffers that are used again for the next batch, and scales the
/// pixels by 1/255 there. The data set must lie on the device already. One thread at a time.
class BatchGatherer {
 public:
  BatchGatherer(ImageDataset dataset, std::int64_t largest_batch);

  /// The samples that batches are made of, as indices of the data set. They go to the device at
  /// once, so that no batch has to wait for them; on the CPU `order` must outlive their use.
  void set_order(std::span<const std::int64_t> order);

  /// Samples order[first … first + count), `count` being at most `largest_batch`. The batch is
  /// valid until the next call.
  [[nodiscard]] Batch gather(const SampleRange& range);

 private:
  ImageDataset dataset_;
  torch::Tensor order_;
  torch::Tensor raw_images_;
  torch::Tensor raw_labels_;
  Batch buffer_;
};

}  // namespace lockstep::data

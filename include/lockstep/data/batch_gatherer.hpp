// From sample indices to a batch on the device.
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

/// Gathers rows of a data set into buffers that are used again for the next batch, and scales the
/// pixels by 1/255 there. The data set must lie on the device already. One thread at a time.
class BatchGatherer {
 public:
  BatchGatherer(ImageDataset dataset, std::int64_t largest_batch);

  /// The samples at `indices` (at most `largest_batch` of them). The batch is valid until the next
  /// call.
  [[nodiscard]] Batch gather(std::span<const std::int64_t> indices);

 private:
  ImageDataset dataset_;
  torch::Tensor raw_images_;
  torch::Tensor raw_labels_;
  Batch buffer_;
};

}  // namespace lockstep::data

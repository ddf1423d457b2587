#include <utility>

#include <lockstep/data/batch_gatherer.hpp>

namespace lockstep::data {
namespace {

constexpr double kLargestPixel = 255.0;

}  // namespace

BatchGatherer::BatchGatherer(ImageDataset dataset, std::int64_t largest_batch)
    : dataset_(std::move(dataset)) {
  const auto options = dataset_.images.options();
  raw_images_ = torch::empty({largest_batch, kImagePixels}, options);
  raw_labels_ = torch::empty({largest_batch}, options);
  buffer_.images = torch::empty({largest_batch, kImagePixels}, options.dtype(torch::kFloat32));
  buffer_.labels = torch::empty({largest_batch}, options.dtype(torch::kInt64));
}

Batch BatchGatherer::gather(std::span<const std::int64_t> indices) {
  const auto count = static_cast<std::int64_t>(indices.size());
  // from_blob wants a mutable pointer; nothing writes through it.
  auto* const first = const_cast<std::int64_t*>(indices.data());
  const auto index = torch::from_blob(first, {count}, torch::kInt64).to(dataset_.images.device());
  auto images = raw_images_.narrow(0, 0, count);
  auto labels = raw_labels_.narrow(0, 0, count);
  torch::index_select_out(images, dataset_.images, 0, index);
  torch::index_select_out(labels, dataset_.labels, 0, index);
  Batch batch{buffer_.images.narrow(0, 0, count), buffer_.labels.narrow(0, 0, count)};
  batch.images.copy_(images);
  batch.images.div_(kLargestPixel);
  batch.labels.copy_(labels);
  return batch;
}

}  // namespace lockstep::data

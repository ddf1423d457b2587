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

void BatchGatherer::set_order(std::span<const std::int64_t> order) {
  // from_blob wants a mutable pointer; nothing writes through it.
  auto* const first = const_cast<std::int64_t*>(order.data());
  const auto on_host =
      torch::from_blob(first, {static_cast<std::int64_t>(order.size())}, torch::kInt64);
  order_ = on_host.to(dataset_.images.device());
}

Batch BatchGatherer::gather(const SampleRange& range) {
  const auto count = range.count;
  const auto index = order_.narrow(0, range.first, count);
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

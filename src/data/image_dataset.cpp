#include <numeric>

#include <lockstep/data/image_dataset.hpp>

namespace lockstep::data {
namespace {

constexpr std::size_t kCacheLineBytes = 64;

std::size_t rounded_up(std::size_t bytes) {
  return (bytes + kCacheLineBytes - 1) / kCacheLineBytes * kCacheLineBytes;
}

}  // namespace

ImageDataset ImageDataset::first(std::int64_t count) const {
  return {images.narrow(0, 0, count), labels.narrow(0, 0, count)};
}

ImageDataset ImageDataset::to(const torch::Device& device) const {
  return {images.to(device), labels.to(device)};
}

std::vector<std::int64_t> ImageDataset::indices() const {
  std::vector<std::int64_t> all(static_cast<std::size_t>(size()));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

DatasetShape::DatasetShape(std::int64_t train_samples, std::int64_t test_samples)
    : train_samples_(train_samples), test_samples_(test_samples) {}

std::size_t DatasetShape::part_bytes(Part part) const {
  const bool is_train = part == Part::kTrainImages || part == Part::kTrainLabels;
  const bool is_images = part == Part::kTrainImages || part == Part::kTestImages;
  const std::int64_t samples = is_train ? train_samples_ : test_samples_;
  return static_cast<std::size_t>(samples * (is_images ? kImagePixels : 1));
}

std::size_t DatasetShape::block_bytes() const {
  std::size_t bytes = 0;
  for (const Part part : kAllParts) bytes += rounded_up(part_bytes(part));
  return bytes;
}

std::span<std::byte> DatasetShape::part(Part part, std::span<std::byte> block) const {
  std::size_t offset = 0;
  for (const Part before : kAllParts) {
    if (before == part) break;
    offset += rounded_up(part_bytes(before));
  }
  return block.subspan(offset, part_bytes(part));
}

ImageDataset DatasetShape::train(std::span<std::byte> block) const {
  return view(Part::kTrainImages, Part::kTrainLabels, block);
}

ImageDataset DatasetShape::test(std::span<std::byte> block) const {
  return view(Part::kTestImages, Part::kTestLabels, block);
}

ImageDataset DatasetShape::view(Part images, Part labels, std::span<std::byte> block) const {
  const auto image_bytes = part(images, block);
  const auto label_bytes = part(labels, block);
  const auto samples = static_cast<std::int64_t>(label_bytes.size());
  return {torch::from_blob(image_bytes.data(), {samples, kImagePixels}, torch::kUInt8),
          torch::from_blob(label_bytes.data(), {samples}, torch::kUInt8)};
}

}  // namespace lockstep::data

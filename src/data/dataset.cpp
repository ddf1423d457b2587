#include <numeric>
#include <utility>

#include <lockstep/data/dataset.hpp>

namespace lockstep::data {
namespace {

constexpr std::size_t kCacheLineBytes = 64;

std::size_t rounded_up(std::size_t bytes) {
  return (bytes + kCacheLineBytes - 1) / kCacheLineBytes * kCacheLineBytes;
}

}  // namespace

Dataset Dataset::first(std::int64_t count) const {
  return {spec, inputs.narrow(0, 0, count), targets.narrow(0, 0, count), inputs_are_mapped};
}

Dataset Dataset::to(const torch::Device& device) const {
  return {spec, inputs.to(device), targets.to(device), inputs_are_mapped && device.is_cpu()};
}

std::vector<std::int64_t> Dataset::indices() const {
  std::vector<std::int64_t> all(static_cast<std::size_t>(size()));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

const char* part_name(Part part) {
  constexpr std::array kNames = {"train_images", "train_labels", "test_images", "test_labels"};
  return kNames.at(static_cast<std::size_t>(part));
}

DatasetShape::DatasetShape(SampleSpec spec, std::int64_t train_samples, std::int64_t test_samples)
    : spec_(std::move(spec)), train_samples_(train_samples), test_samples_(test_samples) {}

std::size_t DatasetShape::part_bytes(Part part) const {
  const bool is_train = part == Part::kTrainImages || part == Part::kTrainLabels;
  const bool is_inputs = part == Part::kTrainImages || part == Part::kTestImages;
  const auto samples = static_cast<std::size_t>(is_train ? train_samples_ : test_samples_);
  return samples * (is_inputs ? spec_.input_bytes() : spec_.target_bytes());
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

PartBytes DatasetShape::parts(std::span<std::byte> block) const {
  PartBytes all;
  for (const Part one : kAllParts) all.at(static_cast<std::size_t>(one)) = part(one, block);
  return all;
}

Dataset DatasetShape::train(const PartBytes& parts) const {
  return view(Part::kTrainImages, Part::kTrainLabels, parts);
}

Dataset DatasetShape::test(const PartBytes& parts) const {
  return view(Part::kTestImages, Part::kTestLabels, parts);
}

Dataset DatasetShape::view(Part inputs, Part targets, const PartBytes& parts) const {
  const std::int64_t samples = inputs == Part::kTrainImages ? train_samples_ : test_samples_;
  const auto tensor = [&](Part of_part, std::vector<std::int64_t> shape, torch::ScalarType type) {
    shape.insert(shape.begin(), samples);
    const auto bytes = parts.at(static_cast<std::size_t>(of_part));
    // from_blob takes a mutable pointer; nothing writes through it.
    return torch::from_blob(const_cast<std::byte*>(bytes.data()), shape, type);
  };
  return {spec_, tensor(inputs, spec_.input.shape, spec_.input.element_type),
          tensor(targets, spec_.target_shape(), spec_.target_type())};
}

}  // namespace lockstep::data

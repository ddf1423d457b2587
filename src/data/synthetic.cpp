#include <fmt/format.h>

#include <lockstep/data/synthetic.hpp>

namespace lockstep::data {
namespace {

/// SplitMix64 (Steele, Lea, Flood 2014): a well-mixed 64-bit value for any counter.
std::uint64_t mix(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15U;
  value = (value ^ (value >> 30U)) * 0xbf58476d1ce4e5b9U;
  value = (value ^ (value >> 27U)) * 0x94d049bb133111ebU;
  return value ^ (value >> 31U);
}

class Synthetic final : public DatasetSource {
 public:
  Synthetic(const SampleSpec& spec, std::int64_t train_samples, std::int64_t test_samples,
            std::uint64_t seed)
      : shape_(spec, train_samples, test_samples),
        pixels_(static_cast<std::uint64_t>(spec.input.elements())),
        classes_(static_cast<std::uint64_t>(spec.outputs())),
        seed_(seed) {}

  [[nodiscard]] std::string description() const override {
    return fmt::format("synthetic images (seed {})", seed_);
  }
  [[nodiscard]] std::string folder() const override { return ""; }
  [[nodiscard]] DatasetShape shape() const override { return shape_; }

  void fill(Part part, std::span<std::byte> destination) override {
    const bool is_test = part == Part::kTestImages || part == Part::kTestLabels;
    const std::uint64_t stream = mix(seed_ * 2 + (is_test ? 1 : 0));
    if (part == Part::kTrainLabels || part == Part::kTestLabels) {
      return fill_labels(stream, destination);
    }
    std::size_t i = 0;
    for (std::size_t sample = 0; i < destination.size(); ++sample) {
      const std::uint64_t first = label(stream, sample) * 1000;
      for (std::uint64_t pixel = 0; pixel < pixels_; ++pixel, ++i) {
        const std::uint64_t pattern = mix((seed_ << 32U) ^ (first + pixel));
        const std::uint64_t noise = mix(stream ^ i);
        destination[i] = static_cast<std::byte>(((pattern & 0x7fU) + (noise & 0x7fU)));
      }
    }
  }

 private:
  void fill_labels(std::uint64_t stream, std::span<std::byte> destination) const {
    const auto type = shape_.spec().target_type();
    const auto size = torch::elementSize(type);
    const auto count = destination.size() / size;
    auto labels = torch::empty({static_cast<std::int64_t>(count)}, torch::kInt64);
    auto* const first = labels.data_ptr<std::int64_t>();
    for (std::size_t i = 0; i < count; ++i) first[i] = static_cast<std::int64_t>(label(stream, i));
    torch::from_blob(destination.data(), labels.sizes(), type).copy_(labels);
  }
  [[nodiscard]] std::uint64_t label(std::uint64_t stream, std::size_t sample) const {
    return mix(stream + 0x5eedU + sample) % classes_;
  }

  DatasetShape shape_;
  std::uint64_t pixels_;  // of an image
  std::uint64_t classes_;
  std::uint64_t seed_;
};

}  // namespace

std::unique_ptr<DatasetSource> make_synthetic(const SampleSpec& spec, std::int64_t train_samples,
                                              std::int64_t test_samples, std::uint64_t seed) {
  return std::make_unique<Synthetic>(spec, train_samples, test_samples, seed);
}

}  // namespace lockstep::data

#include "synthetic_data.hpp"

#include <algorithm>

#include <lockstep/data/synthetic.hpp>

namespace lockstep::task {
namespace {

constexpr std::int64_t kTrainSamples = 60000;
constexpr std::int64_t kTestSamples = 10000;
constexpr std::int64_t kMaxBytes = std::int64_t{1} << 30U;
constexpr double kLargestPixel = 255;
constexpr std::uint64_t kSeed = 0;  // the same data for every run and for `evaluate`

}  // namespace

std::unique_ptr<data::DatasetSource> make_synthetic_data(const SyntheticOptions& options) {
  const data::SampleSpec spec = {.input = {.shape = options.input_shape, .divisor = kLargestPixel},
                                 .target = data::ClassTarget{.classes = options.classes}};
  const auto fits = kMaxBytes / static_cast<std::int64_t>(spec.input_bytes());
  return data::make_synthetic(spec, std::clamp<std::int64_t>(fits, 1, kTrainSamples),
                              std::clamp<std::int64_t>(fits, 1, kTestSamples), kSeed);
}

}  // namespace lockstep::task

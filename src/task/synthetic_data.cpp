#include "synthetic_data.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <lockstep/base/error.hpp>
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
  std::int64_t bytes = 1;
  for (const auto size : options.input_shape) {
    if (bytes > kMaxBytes / size) {
      throw UsageError(fmt::format("a made-up image of [{}] exceeds {} bytes",
                                   fmt::join(options.input_shape, ", "), kMaxBytes),
                       {"input_shape"});
    }
    bytes *= size;
  }
  const data::SampleSpec spec = {.input = {.shape = options.input_shape, .divisor = kLargestPixel},
                                 .target = data::ClassTarget{.classes = options.classes}};
  const auto fits = kMaxBytes / bytes;
  return data::make_synthetic(spec, std::clamp<std::int64_t>(fits, 1, kTrainSamples),
                              std::clamp<std::int64_t>(fits, 1, kTestSamples), kSeed);
}

}  // namespace lockstep::task

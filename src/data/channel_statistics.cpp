#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <span>

#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/data/normalization.hpp>

namespace lockstep::data {
namespace {

/// How often each value of a byte occurs.
using Histogram = std::array<std::int64_t, 256>;

struct Extent {
  std::size_t channels = 1;
  std::size_t plane = 1;  ///< elements of one channel of one input
};

Extent extent_of(const InputSpec& input) {
  const auto channels = static_cast<std::size_t>(input.shape.front());
  return {channels, static_cast<std::size_t>(input.elements()) / channels};
}

[[noreturn]] void refuse_channel(std::size_t channel, const std::string& why) {
  throw DataError(
      fmt::format("channel {} of the training inputs {}: give a mean and a deviation for each "
                  "channel, or train without normalising",
                  channel, why),
      {"normalize"});
}

/// Throws DataError if float32 numbers cannot be divided by the deviation.
void require_usable(std::size_t channel, const ChannelStatistics& statistics) {
  const auto deviation = static_cast<float>(statistics.deviation);
  if (!std::isfinite(statistics.mean) || !std::isfinite(deviation)) {
    refuse_channel(channel, "has values that are not finite");
  }
  if (deviation == 0) {
    refuse_channel(channel, fmt::format("is {} everywhere, so its deviation is 0",
                                        static_cast<float>(statistics.mean)));
  }
}

std::vector<Histogram> histograms_of(const torch::Tensor& inputs, const Extent& extent) {
  std::vector<Histogram> histograms(extent.channels, Histogram{});
  const auto bytes = inputs.contiguous();
  const std::span all(bytes.data_ptr<std::uint8_t>(), static_cast<std::size_t>(bytes.numel()));
  for (std::size_t begin = 0; begin < all.size(); begin += extent.plane) {
    auto& histogram = histograms[begin / extent.plane % extent.channels];
    for (const auto value : all.subspan(begin, extent.plane)) ++histogram[value];
  }
  return histograms;
}

/// The mean of `function` of the value that a network gets for each byte.
template <typename Function>
double mean_over(const Histogram& histogram, float divisor, Function function) {
  double sum = 0;
  std::int64_t count = 0;
  for (std::size_t value = 0; value < histogram.size(); ++value) {
    sum += static_cast<double>(histogram[value]) *
           function(static_cast<double>(static_cast<float>(value) / divisor));
    count += histogram[value];
  }
  return sum / static_cast<double>(count);
}

std::vector<ChannelStatistics> statistics_of_bytes(const Dataset& dataset) {
  std::vector<ChannelStatistics> all;
  const auto divisor = static_cast<float>(dataset.spec.input.divisor);
  for (const auto& histogram : histograms_of(dataset.inputs, extent_of(dataset.spec.input))) {
    const auto mean = mean_over(histogram, divisor, [](double value) { return value; });
    const bool constant =
        std::count(histogram.begin(), histogram.end(), 0) + 1 == std::ssize(histogram);
    const auto variance = mean_over(
        histogram, divisor, [mean](double value) { return (value - mean) * (value - mean); });
    all.push_back({mean, constant ? 0 : std::sqrt(variance)});
  }
  return all;
}

/// Calls `use(channel, values)` with each channel of each input in turn, as a network gets them.
template <typename Use>
void for_each_plane(const Dataset& dataset, Use use) {
  constexpr std::int64_t kElementsAtOnce = std::int64_t{1} << 20U;
  const auto& input = dataset.spec.input;
  const auto [channels, plane] = extent_of(input);
  const auto at_once = std::max<std::int64_t>(1, kElementsAtOnce / input.elements());
  for (std::int64_t first = 0; first < dataset.size(); first += at_once) {
    const auto count = std::min(at_once, dataset.size() - first);
    const auto some =
        dataset.inputs.narrow(0, first, count).to(torch::kFloat32).div(input.divisor).contiguous();
    const std::span all(some.data_ptr<float>(), static_cast<std::size_t>(some.numel()));
    for (std::size_t begin = 0; begin < all.size(); begin += plane) {
      use(begin / plane % channels, all.subspan(begin, plane));
    }
  }
}

/// What one pass finds of one channel.
struct Pass {
  double sum = 0;
  float least = std::numeric_limits<float>::infinity();
  float most = -std::numeric_limits<float>::infinity();
};

/// Two passes: squares of differences from the mean lose no digits. Each plane is summed for
/// itself.
std::vector<ChannelStatistics> statistics_of_numbers(const Dataset& dataset) {
  const auto [channels, plane] = extent_of(dataset.spec.input);
  const auto count = static_cast<double>(dataset.size()) * static_cast<double>(plane);
  std::vector<Pass> values(channels);
  for_each_plane(dataset, [&](std::size_t channel, std::span<const float> numbers) {
    double sum = 0;
    auto& pass = values[channel];
    for (const float number : numbers) {
      sum += static_cast<double>(number);
      pass.least = std::min(pass.least, number);
      pass.most = std::max(pass.most, number);
    }
    pass.sum += sum;
  });
  std::vector<double> squares(channels, 0.0);
  for_each_plane(dataset, [&](std::size_t channel, std::span<const float> numbers) {
    const double mean = values[channel].sum / count;
    double sum = 0;
    for (const float number : numbers) {
      const double difference = static_cast<double>(number) - mean;
      sum += difference * difference;
    }
    squares[channel] += sum;
  });
  std::vector<ChannelStatistics> all;
  for (std::size_t i = 0; i < channels; ++i) {
    const bool constant = values[i].least == values[i].most;
    all.push_back({values[i].sum / count, constant ? 0 : std::sqrt(squares[i] / count)});
  }
  return all;
}

}  // namespace

std::vector<ChannelStatistics> channel_statistics(const Dataset& dataset) {
  const bool bytes = dataset.inputs.scalar_type() == torch::kUInt8;
  auto all = bytes ? statistics_of_bytes(dataset) : statistics_of_numbers(dataset);
  for (std::size_t channel = 0; channel < all.size(); ++channel) {
    require_usable(channel, all[channel]);
  }
  return all;
}

}  // namespace lockstep::data

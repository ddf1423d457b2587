// Mean and deviation of inputs, channel by channel: as given, or those of training inputs.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include <lockstep/data/dataset.hpp>

namespace lockstep::data {

/// Inputs become (value − mean) / deviation.
struct ChannelStatistics {
  double mean = 0;
  double deviation = 1;

  [[nodiscard]] bool operator==(const ChannelStatistics&) const = default;
};

struct Normalization {
  bool from_data = false;                     ///< mean and deviation of the training inputs
  std::vector<ChannelStatistics> channels{};  ///< one for all channels, or one for each

  [[nodiscard]] bool is_on() const { return from_data || !channels.empty(); }
  [[nodiscard]] bool operator==(const Normalization&) const = default;
};

inline constexpr std::size_t kMaxNormalizedChannels = 4096;

/// "none", "auto", or "MEAN:STD" with commas between channels. Nothing for any other text, for a
/// number that is not finite as float32, and for a deviation that is not above 0 as such.
[[nodiscard]] std::optional<Normalization> parse_normalization(const std::string& text);

/// What `parse_normalization` reads. Numbers keep every bit.
[[nodiscard]] std::string to_text(const Normalization& normalization);

/// Throws UsageError if such inputs cannot be normalised so.
void check_normalization(const Normalization& normalization, const InputSpec& input);

/// Mean and population deviation of each channel over all inputs of `dataset`, of their values as
/// float32 divided by the specification's divisor; summed in double, in an order that depends on
/// the data set's shape alone. The inputs must be on the CPU, and pass `check_normalization`.
/// Throws DataError naming a channel that is the same everywhere or not finite.
[[nodiscard]] std::vector<ChannelStatistics> channel_statistics(const Dataset& dataset);

/// Sets mean and deviation of `input`. `channels`: one for all, or one for each.
void normalize(InputSpec& input, const std::vector<ChannelStatistics>& channels);

/// `input` with the mean and deviation of `trained_on`, unless it has its own or stays integers.
[[nodiscard]] InputSpec normalized_as(InputSpec input, const InputSpec& trained_on);

}  // namespace lockstep::data

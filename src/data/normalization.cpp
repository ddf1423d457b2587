#include <charconv>
#include <cmath>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <lockstep/base/error.hpp>
#include <lockstep/data/normalization.hpp>

namespace lockstep::data {
namespace {

constexpr const char* kNotNormalized = "none";
constexpr const char* kFromData = "auto";

/// Networks get float32: a number that is infinite as such, or a deviation that is 0, gives none.
bool makes_numbers(const ChannelStatistics& channel) {
  return std::isfinite(static_cast<float>(channel.mean)) &&
         std::isfinite(static_cast<float>(channel.deviation)) &&
         static_cast<float>(channel.deviation) > 0;
}

std::optional<double> parse_number(std::string_view text) {
  double number = 0;
  const auto* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || rest != end) return std::nullopt;
  return number;
}

std::optional<ChannelStatistics> parse_channel(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto mean = parse_number(text.substr(0, colon));
  const auto deviation = parse_number(text.substr(colon + 1));
  if (!mean || !deviation || !makes_numbers({*mean, *deviation})) return std::nullopt;
  return ChannelStatistics{*mean, *deviation};
}

}  // namespace

std::optional<Normalization> parse_normalization(const std::string& text) {
  Normalization normalization{.from_data = text == kFromData};
  if (normalization.from_data || text == kNotNormalized) return normalization;
  std::string_view rest = text;
  while (normalization.channels.size() < kMaxNormalizedChannels) {
    const auto comma = rest.find(',');
    const auto channel = parse_channel(rest.substr(0, comma));
    if (!channel) return std::nullopt;
    normalization.channels.push_back(*channel);
    if (comma == std::string_view::npos) return normalization;
    rest.remove_prefix(comma + 1);
  }
  return std::nullopt;
}

std::string to_text(const Normalization& normalization) {
  if (normalization.from_data) return kFromData;
  if (normalization.channels.empty()) return kNotNormalized;
  std::string text;
  for (const auto& [mean, deviation] : normalization.channels) {
    text += fmt::format("{}{}:{}", text.empty() ? "" : ",", mean, deviation);
  }
  return text;
}

void check_normalization(const Normalization& normalization, const InputSpec& input) {
  if (!normalization.is_on()) return;
  const auto refuse = [&](const std::string& why) {
    throw UsageError(
        fmt::format("inputs [{}] cannot be normalised: {}", fmt::join(input.shape, ", "), why),
        {"normalize"});
  };
  if (input.stays_integer) refuse("they are integers that stay so, such as token ids");
  if (!input.mean.empty() || !input.deviation.empty()) refuse("their source already does it");
  if (input.shape.empty()) refuse("they have no channels");
  const auto channels = static_cast<std::size_t>(input.shape.front());
  if (channels > kMaxNormalizedChannels) {
    refuse(fmt::format("they have {} channels, and at most {} can be", channels,
                       kMaxNormalizedChannels));
  }
  const auto given = normalization.channels.size();
  if (given > 1 && given != channels) {
    refuse(
        fmt::format("{} pairs of mean and deviation are given for {} channel{}: give one for "
                    "all, or one for each",
                    given, channels, channels == 1 ? "" : "s"));
  }
}

void normalize(InputSpec& input, const std::vector<ChannelStatistics>& channels) {
  input.mean.clear();
  input.deviation.clear();
  for (std::size_t i = 0; i < static_cast<std::size_t>(input.shape.front()); ++i) {
    const auto& [mean, deviation] = channels.at(channels.size() == 1 ? 0 : i);
    input.mean.push_back(mean);
    input.deviation.push_back(deviation);
  }
}

InputSpec normalized_as(InputSpec input, const InputSpec& trained_on) {
  const bool has_its_own = !input.mean.empty() || !input.deviation.empty();
  if (has_its_own || input.stays_integer) return input;
  input.mean = trained_on.mean;
  input.deviation = trained_on.deviation;
  return input;
}

}  // namespace lockstep::data

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <lockstep/base/error.hpp>
#include <lockstep/data/augmentation.hpp>
#include <lockstep/data/philox.hpp>

namespace lockstep::data {
namespace {

constexpr const char* kNoAugmentation = "none";
constexpr std::string_view kFlip = "flip";
constexpr std::string_view kCrop = "crop:";
constexpr std::size_t kImageDimensions = 3;
constexpr unsigned kWordBits = 32;

/// 0 if it is no crop.
std::int64_t parse_crop(std::string_view text) {
  if (!text.starts_with(kCrop)) return 0;
  text.remove_prefix(kCrop.size());
  std::int64_t pixels = 0;
  const auto* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, pixels);
  const bool is_crop = error == std::errc() && rest == end && pixels >= 1 && pixels <= kMaxCrop;
  return is_crop ? pixels : 0;
}

/// False if `text` is nothing that may happen, or the second of its kind.
bool add(std::string_view text, Augmentation& to) {
  if (text == kFlip) return !std::exchange(to.flip, true);
  return std::exchange(to.crop, parse_crop(text)) == 0 && to.crop > 0;
}

std::uint32_t word(std::uint64_t number, unsigned which) {
  return static_cast<std::uint32_t>(number >> (which * kWordBits));
}

/// From −crop to crop.
std::int64_t offset(std::uint32_t random, std::int64_t crop) {
  const auto offsets = static_cast<std::uint64_t>(2 * crop + 1);
  return static_cast<std::int64_t>((random * offsets) >> kWordBits) - crop;
}

}  // namespace

std::optional<Augmentation> parse_augmentation(const std::string& text) {
  Augmentation augmentation;
  if (text == kNoAugmentation) return augmentation;
  std::string_view rest = text;
  while (true) {
    const auto comma = rest.find(',');
    if (!add(rest.substr(0, comma), augmentation)) return std::nullopt;
    if (comma == std::string_view::npos) return augmentation;
    rest.remove_prefix(comma + 1);
  }
}

std::string to_text(const Augmentation& augmentation) {
  if (!augmentation.is_on()) return kNoAugmentation;
  if (augmentation.crop == 0) return std::string(kFlip);
  return fmt::format("{}{}{}{}", augmentation.flip ? kFlip : "", augmentation.flip ? "," : "",
                     kCrop, augmentation.crop);
}

void check_augmentation(const Augmentation& augmentation, const InputSpec& input) {
  if (!augmentation.is_on()) return;
  if (input.stays_integer || input.shape.size() != kImageDimensions) {
    throw UsageError(
        fmt::format("augmentation is for images [channels, height, width], and these inputs are "
                    "[{}]{}: train without it",
                    fmt::join(input.shape, ", "),
                    input.stays_integer ? " of integers that stay so, such as token ids" : ""),
        {"augment"});
  }
  const auto smallest = std::min(input.shape[1], input.shape[2]);
  if (augmentation.crop < smallest) return;
  throw UsageError(
      fmt::format(
          "a crop after {} pixels on each side can miss an image of {} × {}: add at most {}",
          augmentation.crop, input.shape[1], input.shape[2], smallest - 1),
      {"augment"});
}

ImageTransform draw_transform(const Augmentation& augmentation, std::uint64_t seed,
                              std::int64_t epoch, std::int64_t index) {
  const auto sample = static_cast<std::uint64_t>(index);
  const auto pass = static_cast<std::uint64_t>(epoch);
  const auto random = philox({word(sample, 0), word(sample, 1), word(pass, 0), word(pass, 1)},
                             {word(seed, 0), word(seed, 1)});
  constexpr std::uint32_t kHalf = std::uint32_t{1} << 31U;
  return {.down = offset(random[0], augmentation.crop),
          .right = offset(random[1], augmentation.crop),
          .mirrored = augmentation.flip && random[2] >= kHalf};
}

}  // namespace lockstep::data

// Random crops and mirroring of training images.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <lockstep/data/image_transform.hpp>
#include <lockstep/data/sample_spec.hpp>

namespace lockstep::data {

inline constexpr std::int64_t kMaxCrop = 64;

/// What may happen to an image in training.
struct Augmentation {
  bool flip = false;      ///< mirroring left and right, with probability 1/2
  std::int64_t crop = 0;  ///< pixels of 0 on each side, before a crop of the original size; 0: none

  [[nodiscard]] bool is_on() const { return flip || crop > 0; }
  [[nodiscard]] bool operator==(const Augmentation&) const = default;
};

/// "none"; or "flip", "crop:N" with N from 1 to kMaxCrop, or both with a comma, in either order.
/// Nothing for any other text.
[[nodiscard]] std::optional<Augmentation> parse_augmentation(const std::string& text);

/// What `parse_augmentation` reads: "flip,crop:4".
[[nodiscard]] std::string to_text(const Augmentation& augmentation);

/// Throws UsageError if inputs are not numbers of the shape [channels, height, width], or a crop
/// could miss the image.
void check_augmentation(const Augmentation& augmentation, const InputSpec& input);

/// What happens to sample `index` of the data set in epoch `epoch`: a function of these numbers and
/// the seed alone, by `philox`. Offsets of the crop are uniform, up to 2^-25 of their probability.
[[nodiscard]] ImageTransform draw_transform(const Augmentation& augmentation, std::uint64_t seed,
                                            std::int64_t epoch, std::int64_t index);

}  // namespace lockstep::data

// Decoded pictures of any kind, and what networks take of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

#include <torch/torch.h>

#include <lockstep/data/picture.hpp>

namespace lockstep::data {

/// What the beginning of a file says of its picture.
struct PictureHeader {
  std::int64_t width = 0;
  std::int64_t height = 0;
  bool in_colour = false;
};

/// A picture of 8 bits a sample: the samples of a pixel side by side, the pixels row by row.
struct Pixels {
  std::int64_t width = 0;
  std::int64_t height = 0;
  std::size_t channels = 0;  ///< 1: grey, 2: grey and alpha, 3: red, green and blue, 4: these and
                             ///< alpha
  std::vector<std::uint8_t> samples{};
};

/// Throws DataError naming `path` if a picture may not have these sizes.
using SizeCheck = void (*)(const std::filesystem::path& path, std::int64_t width,
                           std::int64_t height);

/// Up to 16384 pixels on either side.
void check_sides(const std::filesystem::path& path, std::int64_t width, std::int64_t height);
/// Up to 100 million pixels.
void check_pixels(const std::filesystem::path& path, std::int64_t width, std::int64_t height);

/// Luma by ITU-R BT.601, rounded as Pillow's convert("L") does.
[[nodiscard]] std::uint8_t grey_of(const std::uint8_t* red_green_blue);

/// [channels, height, width] uint8: 1 for grey, 3 for red, green and blue. Alpha is left out, as by
/// Pillow's convert("L") and convert("RGB").
[[nodiscard]] torch::Tensor planes_of(const Pixels& pixels, std::int64_t channels);

/// `planes` [channels, height, width] uint8 in that size, bilinearly with antialiasing, rounded
/// half to even, as torchvision's Resize does. The number of threads changes no bit.
/// Source: at::_upsample_bilinear2d_aa; torchvision.transforms.v2.functional.resize.
[[nodiscard]] torch::Tensor resized(const torch::Tensor& planes, PictureSize size);

}  // namespace lockstep::data

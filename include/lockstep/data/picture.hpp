// Pictures from files, converted to what the network was trained on.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <torch/torch.h>

#include <lockstep/data/sample_spec.hpp>

namespace lockstep::data {

inline constexpr std::int64_t kMaxPictureSide = 16384;

struct PictureSize {
  std::int64_t height = 0;
  std::int64_t width = 0;

  [[nodiscard]] bool operator==(const PictureSize&) const = default;
};

/// Grey values, 0 black to 255 white, one row after the other.
struct Picture {
  std::int64_t width = 0;
  std::int64_t height = 0;
  std::vector<std::uint8_t> pixels;  ///< [height · width]
  std::string changes{};             ///< what was done to make it grey and opaque, if not obvious
};

/// Reads a PNG or a PGM (P2 or P5, comments, up to 16 bits) from a file or a pipe. In a PNG,
/// colours become their luma (ITU-R BT.601), 16-bit samples are divided by 257, and gamma and
/// colour profiles are ignored: the grey values are the same as Pillow's. What is transparent
/// becomes black if the visible part is bright on average, else white, and `changes` says so. Sizes
/// are checked before anything is allocated for them: at most 100 million pixels, 512 MiB. Throws
/// DataError naming the file and what is wrong. Sources: libpng;
/// https://netpbm.sourceforge.net/doc/pgm.html
[[nodiscard]] Picture read_picture(const std::filesystem::path& path);

/// True if all pixels have the same grey value: there is nothing to see.
[[nodiscard]] bool is_empty(const Picture& picture);

/// A tensor [height, width] or [1, height, width] uint8, on any device.
[[nodiscard]] Picture picture_of(const torch::Tensor& grey);

/// The bytes of a PNG file.
[[nodiscard]] std::string png_of(const Picture& picture);

/// Whether to swap bright and dark: the training images are bright on black.
enum class Invert : std::uint8_t {
  kAuto,  ///< if the border is bright
  kOn,
  kOff
};

/// A picture as the network expects it, and what was done to it, for people ("" if nothing).
struct FittedPicture {
  torch::Tensor image;  ///< [channels, height, width] uint8
  std::string changes;
};

/// A picture for a network of FashionMNIST's images, [1, 28, 28]. Inverts it if asked to, scales
/// the longer side to 28 pixels by area averaging, and pads the shorter side with black, as the
/// training images were made (arXiv:1708.07747, section 2).
[[nodiscard]] FittedPicture fit_to_network(const Picture& picture, Invert invert);

/// True if an input is one or three planes of bytes, such as a picture in grey or in red, green and
/// blue.
[[nodiscard]] bool takes_pictures(const InputSpec& input);

/// Reads a PNG, JPEG or PGM from a file or a pipe as the pictures in the folders of a data set are
/// read (`open_picture_dataset`): in the channels of `input`, and scaled to its height and width.
/// Bright and dark are swapped only for kOn. Colours become grey as in `read_picture`. Throws
/// DataError naming the file and what is wrong.
[[nodiscard]] FittedPicture read_picture_for(const InputSpec& input,
                                             const std::filesystem::path& path, Invert invert);

}  // namespace lockstep::data

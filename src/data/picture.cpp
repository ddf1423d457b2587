#include <png.h>

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <lockstep/base/error.hpp>
#include <lockstep/base/input_file.hpp>
#include <lockstep/data/fashion_mnist.hpp>
#include <lockstep/data/picture.hpp>

#include "pgm_reader.hpp"
#include "picture_file.hpp"
#include "png_reader.hpp"

namespace lockstep::data {
namespace {

constexpr std::size_t kMaxFileBytes = std::size_t{512} << 20U;
constexpr int kMaxGrey = 255;

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& what) {
  throw DataError(fmt::format("{}: {}", path.string(), what));
}

std::string read_bytes(const std::filesystem::path& path) {
  try {
    return read_input_file(path, kMaxFileBytes);
  } catch (const RuntimeFailure& failure) {
    throw DataError(failure.what());
  }
}

bool has_bright_border(const torch::Tensor& grey) {
  const auto border = torch::cat({grey[0], grey[-1], grey.select(1, 0), grey.select(1, -1)});
  return border.to(torch::kFloat32).mean().item<double>() > kMaxGrey / 2.0;
}

/// Scales the longer side to kImageSide pixels by area averaging.
torch::Tensor scaled(const torch::Tensor& grey) {
  const auto longest = std::max(grey.size(0), grey.size(1));
  const auto length = [&](std::int64_t pixels) {
    return std::max<std::int64_t>((2 * pixels * kImageSide + longest) / (2 * longest), 1);
  };
  const auto all = grey.to(torch::kFloat32).unsqueeze(0).unsqueeze(0);
  const auto means = torch::adaptive_avg_pool2d(all, {length(grey.size(0)), length(grey.size(1))});
  return means.round().to(torch::kUInt8).squeeze(0).squeeze(0);
}

torch::Tensor padded_to_square(const torch::Tensor& grey) {
  auto square = torch::zeros({kImageSide, kImageSide}, torch::kUInt8);
  square.narrow(0, (kImageSide - grey.size(0)) / 2, grey.size(0))
      .narrow(1, (kImageSide - grey.size(1)) / 2, grey.size(1))
      .copy_(grey);
  return square;
}

std::string joined(const std::vector<std::string>& changes) {
  return fmt::format("{}", fmt::join(changes, ", "));
}

/// Of a PNG, JPEG or PGM.
Pixels read_pixels(const std::filesystem::path& path) {
  const auto bytes = read_bytes(path);
  if (is_picture_file(bytes)) return decode_picture(path, bytes);
  if (!is_pgm(bytes))
    fail(path, "neither a PNG, a JPEG nor a PGM: save the picture as one of these");
  auto picture = read_pgm(path, bytes);
  check_sides(path, picture.width, picture.height);
  return {.width = picture.width,
          .height = picture.height,
          .channels = 1,
          .samples = std::move(picture.pixels)};
}

}  // namespace

Picture read_picture(const std::filesystem::path& path) {
  const auto bytes = read_bytes(path);
  if (is_png(bytes)) return read_png(path, bytes);
  if (is_pgm(bytes)) return read_pgm(path, bytes);
  fail(path, "neither a PNG nor a PGM: save the picture as one of these");
}

bool is_empty(const Picture& picture) {
  return std::adjacent_find(picture.pixels.begin(), picture.pixels.end(), std::not_equal_to<>()) ==
         picture.pixels.end();
}

Picture picture_of(const torch::Tensor& grey) {
  const auto rows = grey.dim() == 2 ? grey : grey[0];
  const auto pixels = rows.to(torch::kCPU).contiguous();
  const auto* first = pixels.data_ptr<std::uint8_t>();
  return {.width = rows.size(1), .height = rows.size(0), .pixels = {first, first + pixels.numel()}};
}

std::string png_of(const Picture& picture) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(picture.width);
  image.height = static_cast<png_uint_32>(picture.height);
  image.format = PNG_FORMAT_GRAY;
  std::string bytes(PNG_IMAGE_PNG_SIZE_MAX(image), '\0');
  png_alloc_size_t size = bytes.size();
  if (::png_image_write_to_memory(&image, bytes.data(), &size, 0, picture.pixels.data(), 0,
                                  nullptr) == 0) {
    throw RuntimeFailure(fmt::format("cannot make a PNG: {}", image.message));
  }
  bytes.resize(size);
  return bytes;
}

bool takes_pictures(const InputSpec& input) {
  return input.element_type == torch::kUInt8 && input.shape.size() == 3 &&
         (input.shape[0] == 1 || input.shape[0] == 3);
}

FittedPicture read_picture_for(const InputSpec& input, const std::filesystem::path& path,
                               Invert invert) {
  const auto pixels = read_pixels(path);
  const PictureSize size = {.height = input.shape.at(1), .width = input.shape.at(2)};
  auto image = resized(planes_of(pixels, input.shape.at(0)), size);
  std::vector<std::string> changes;
  if (pixels.channels >= 3 && input.shape[0] == 1) changes.emplace_back("made grey");
  if (pixels.width != size.width || pixels.height != size.height) {
    changes.push_back(fmt::format("scaled from {} × {} to {} × {}", pixels.width, pixels.height,
                                  size.width, size.height));
  }
  if (invert == Invert::kOn) {
    image = kMaxGrey - image;
    changes.emplace_back("inverted");
  }
  return {image.contiguous(), joined(changes)};
}

FittedPicture fit_to_network(const Picture& picture, Invert invert) {
  const torch::NoGradGuard no_gradients;
  auto pixels = picture.pixels;
  auto grey = torch::from_blob(pixels.data(), {picture.height, picture.width}, torch::kUInt8);
  std::vector<std::string> changes;
  if (!picture.changes.empty()) changes.push_back(picture.changes);
  const bool bright = invert == Invert::kAuto && has_bright_border(grey);
  if (bright || invert == Invert::kOn) {
    grey = kMaxGrey - grey;
    changes.emplace_back(bright ? "inverted, because its border is bright" : "inverted");
  }
  if (std::max(picture.width, picture.height) != kImageSide) {
    grey = scaled(grey);
    changes.push_back(fmt::format("scaled from {} × {} to {} × {}", picture.width, picture.height,
                                  grey.size(1), grey.size(0)));
  }
  if (grey.size(0) != grey.size(1)) {
    grey = padded_to_square(grey);
    changes.emplace_back("padded to 28 × 28 with black");
  }
  return {grey.reshape({1, kImageSide, kImageSide}).clone(), joined(changes)};
}

}  // namespace lockstep::data

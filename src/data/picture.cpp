#include <png.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <functional>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/base/input_file.hpp>
#include <lockstep/data/fashion_mnist.hpp>
#include <lockstep/data/picture.hpp>

#include "png_reader.hpp"

namespace lockstep::data {
namespace {

constexpr std::int64_t kMaxPixels = 100'000'000;
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

/// Reads the numbers in the text of a PGM file.
class PgmReader {
 public:
  PgmReader(const std::filesystem::path& path, const std::string& bytes)
      : path_(path), bytes_(bytes) {}

  Picture read() {
    const bool text = bytes_[1] == '2';
    Picture picture{.width = number("width"), .height = number("height"), .pixels = {}};
    const auto most = number("greatest value");
    constexpr std::int64_t kSixteenBits = 65535;
    if (most < 1 || most > kSixteenBits) fail(path_, fmt::format("greatest value {}", most));
    const auto pixels = checked_pixels(path_, picture.width, picture.height);
    ++position_;  // one space ends the header
    const std::int64_t pixel_bytes = text ? 2 : (most > kMaxGrey ? 2 : 1);  // as text: with a space
    const auto left = static_cast<std::int64_t>(bytes_.size() - std::min(position_, bytes_.size()));
    if (left < pixels * pixel_bytes - (text ? 1 : 0)) {
      fail(path_, fmt::format("the file ends after {} bytes of its {} × {} pixels", left,
                              picture.width, picture.height));
    }
    picture.pixels.reserve(static_cast<std::size_t>(pixels));
    for (std::int64_t i = 0; i < pixels; ++i) {
      const auto value = text ? number("pixel") : binary_pixel(pixel_bytes);
      if (value > most) fail(path_, fmt::format("a pixel of {}, above {}", value, most));
      picture.pixels.push_back(static_cast<std::uint8_t>((value * kMaxGrey + most / 2) / most));
    }
    return picture;
  }

 private:
  void skip_space() {
    while (position_ < bytes_.size()) {
      if (bytes_[position_] == '#') {
        position_ = std::min(bytes_.find('\n', position_), bytes_.size());
      } else if (std::isspace(static_cast<unsigned char>(bytes_[position_])) != 0) {
        ++position_;
      } else {
        return;
      }
    }
  }
  std::int64_t number(const char* what) {
    skip_space();
    std::int64_t value = 0;
    const char* begin = bytes_.data() + position_;
    const auto [end, error] = std::from_chars(begin, bytes_.data() + bytes_.size(), value);
    if (error != std::errc() || value < 0) {
      fail(path_, fmt::format("not a usable PGM: no {} at offset {}", what, position_));
    }
    position_ += static_cast<std::size_t>(end - begin);
    return value;
  }
  std::int64_t binary_pixel(std::int64_t bytes) {
    std::int64_t value = 0;
    for (std::int64_t i = 0; i < bytes; ++i) {
      constexpr int kByteValues = 256;
      value = value * kByteValues + static_cast<unsigned char>(bytes_[position_++]);
    }
    return value;
  }

  const std::filesystem::path& path_;
  const std::string& bytes_;
  std::size_t position_ = 2;  // after "P2" or "P5"
};

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

}  // namespace

std::int64_t checked_pixels(const std::filesystem::path& path, std::int64_t width,
                            std::int64_t height) {
  if (width < 1 || height < 1 || width > kMaxPixels / height) {
    fail(path, fmt::format("a picture of {} × {} pixels: it may have up to {}", width, height,
                           kMaxPixels));
  }
  return width * height;
}

Picture read_picture(const std::filesystem::path& path) {
  const auto bytes = read_bytes(path);
  if (is_png(bytes)) return read_png(path, bytes);
  if (bytes.starts_with("P2") || bytes.starts_with("P5")) return PgmReader(path, bytes).read();
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
  std::string text;
  for (const auto& change : changes) text += (text.empty() ? "" : ", ") + change;
  return {grey.reshape({1, kImageSide, kImageSide}).clone(), text};
}

}  // namespace lockstep::data

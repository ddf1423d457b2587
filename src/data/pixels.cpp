#include "pixels.hpp"

#include <array>
#include <string>

#include <fmt/format.h>

#include <lockstep/base/error.hpp>

namespace lockstep::data {
namespace {

constexpr std::int64_t kMaxPixels = 100'000'000;

[[noreturn]] void refuse_size(const std::filesystem::path& path, std::int64_t width,
                              std::int64_t height, const std::string& allowed) {
  throw DataError(fmt::format("{}: a picture of {} × {} pixels: it may have up to {}",
                              path.string(), width, height, allowed));
}

}  // namespace

void check_sides(const std::filesystem::path& path, std::int64_t width, std::int64_t height) {
  if (width >= 1 && height >= 1 && width <= kMaxPictureSide && height <= kMaxPictureSide) return;
  refuse_size(path, width, height, fmt::format("{0} × {0}", kMaxPictureSide));
}

void check_pixels(const std::filesystem::path& path, std::int64_t width, std::int64_t height) {
  if (width >= 1 && height >= 1 && width <= kMaxPixels / height) return;
  refuse_size(path, width, height, std::to_string(kMaxPixels));
}

std::uint8_t grey_of(const std::uint8_t* red_green_blue) {
  constexpr std::array<std::uint32_t, 3> kShares = {19595, 38470, 7471};  // of 2^16
  std::uint32_t sum = 1U << 15U;
  for (std::size_t i = 0; i < kShares.size(); ++i) sum += kShares.at(i) * red_green_blue[i];
  return static_cast<std::uint8_t>(sum >> 16U);
}

torch::Tensor planes_of(const Pixels& pixels, std::int64_t channels) {
  const bool in_colour = pixels.channels >= 3;
  const auto count = static_cast<std::size_t>(pixels.width * pixels.height);
  auto planes = torch::empty({channels, pixels.height, pixels.width}, torch::kUInt8);
  auto* plane = planes.data_ptr<std::uint8_t>();
  for (std::size_t channel = 0; channel < static_cast<std::size_t>(channels); ++channel) {
    const auto* sample = pixels.samples.data() + (in_colour && channels > 1 ? channel : 0);
    for (std::size_t i = 0; i < count; ++i, sample += pixels.channels) {
      *plane++ = in_colour && channels == 1 ? grey_of(sample) : *sample;
    }
  }
  return planes;
}

torch::Tensor resized(const torch::Tensor& planes, PictureSize size) {
  if (planes.size(1) == size.height && planes.size(2) == size.width) return planes;
  constexpr int kLargestSample = 255;
  const auto scaled = at::_upsample_bilinear2d_aa(
      planes.unsqueeze(0).to(torch::kFloat32), {size.height, size.width}, /*align_corners=*/false);
  return scaled.round_().clamp_(0, kLargestSample).to(torch::kUInt8).squeeze(0);
}

}  // namespace lockstep::data

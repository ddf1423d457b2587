#include "png_reader.hpp"

#include <png.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstring>
#include <vector>

#include <fmt/format.h>

#include <lockstep/base/error.hpp>

namespace lockstep::data {
namespace {

constexpr unsigned kOpaque = 255;

/// libpng reports errors by longjmp, which must not skip a frame with a destructor. So each of its
/// calls is made in a function that holds nothing but `this`.
class PngDecoder {
 public:
  explicit PngDecoder(const std::string& bytes) : bytes_(bytes) {
    png_ = ::png_create_read_struct(PNG_LIBPNG_VER_STRING, this, &fail, &ignore);
    info_ = png_ == nullptr ? nullptr : ::png_create_info_struct(png_);
  }
  ~PngDecoder() { ::png_destroy_read_struct(&png_, &info_, nullptr); }
  PngDecoder(const PngDecoder&) = delete;
  PngDecoder& operator=(const PngDecoder&) = delete;
  PngDecoder(PngDecoder&&) = delete;
  PngDecoder& operator=(PngDecoder&&) = delete;

  /// Returns false on failure; `message` says why.
  [[nodiscard]] bool read_header() {
    if (info_ == nullptr) return false;
    if (setjmp(png_jmpbuf(png_)) != 0) return false;  // NOLINT(cert-err52-cpp): libpng's way
    ::png_set_read_fn(png_, this, &read_bytes);
    ::png_set_benign_errors(png_, 1);
    ::png_read_info(png_, info_);
    // Convert to 8 bits per channel. Like most programs, ignore gamma and colour profiles: they are
    // wrong more often than not.
    ::png_set_expand(png_);
    ::png_set_scale_16(png_);
    ::png_set_interlace_handling(png_);
    ::png_read_update_info(png_, info_);
    return true;
  }
  [[nodiscard]] bool read_rows(png_bytepp rows) {
    if (setjmp(png_jmpbuf(png_)) != 0) return false;  // NOLINT(cert-err52-cpp)
    ::png_read_image(png_, rows);
    return true;
  }

  [[nodiscard]] std::int64_t width() const { return ::png_get_image_width(png_, info_); }
  [[nodiscard]] std::int64_t height() const { return ::png_get_image_height(png_, info_); }
  /// 1: grey, 2: grey and alpha, 3: red, green and blue, 4: these and alpha.
  [[nodiscard]] std::size_t channels() const { return ::png_get_channels(png_, info_); }
  [[nodiscard]] const char* message() const { return message_.data(); }

 private:
  static PngDecoder& of(void* pointer) { return *static_cast<PngDecoder*>(pointer); }
  [[noreturn]] static void fail(png_structp png, png_const_charp why) {
    auto& message = of(::png_get_error_ptr(png)).message_;
    std::strncpy(message.data(), why, message.size() - 1);
    ::png_longjmp(png, 1);
  }
  static void ignore(png_structp /*png*/, png_const_charp /*why*/) {}
  static void read_bytes(png_structp png, png_bytep destination, std::size_t count) {
    auto& self = of(::png_get_io_ptr(png));
    if (count > self.bytes_.size() - self.position_) ::png_error(png, "the file is cut off");
    std::memcpy(destination, self.bytes_.data() + self.position_, count);
    self.position_ += count;
  }

  const std::string& bytes_;
  std::size_t position_ = 0;
  std::array<char, 128> message_ = {"no memory"};
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
};

/// Luma by ITU-R BT.601, rounded as Pillow's convert("L") does.
std::uint8_t grey_of(const std::uint8_t* red_green_blue) {
  constexpr std::array<std::uint32_t, 3> kShares = {19595, 38470, 7471};  // of 2^16
  std::uint32_t sum = 1U << 15U;
  for (std::size_t i = 0; i < kShares.size(); ++i) sum += kShares.at(i) * red_green_blue[i];
  return static_cast<std::uint8_t>(sum >> 16U);
}

/// Puts the picture on a background that contrasts with it: bright ones on black, dark ones on
/// white.
void remove_transparency(const std::vector<std::uint8_t>& alpha, Picture& picture) {
  std::uint64_t visible = 0;
  std::uint64_t brightness = 0;
  for (std::size_t i = 0; i < alpha.size(); ++i) {
    visible += alpha[i];
    brightness += std::uint64_t{alpha[i]} * picture.pixels[i];
  }
  if (visible == kOpaque * alpha.size()) return;
  const bool bright = 2 * brightness > kOpaque * visible;
  const unsigned background = bright ? 0 : kOpaque;
  for (std::size_t i = 0; i < alpha.size(); ++i) {
    const unsigned sum = picture.pixels[i] * alpha[i] + background * (kOpaque - alpha[i]);
    picture.pixels[i] = static_cast<std::uint8_t>((sum + kOpaque / 2) / kOpaque);
  }
  picture.changes = visible == 0 ? "all of it is transparent"
                    : bright     ? "put on black, because what is not transparent is bright"
                                 : "put on white, because what is not transparent is dark";
}

}  // namespace

bool is_png(const std::string& bytes) {
  return bytes.starts_with("\x89PNG\r\n\x1a\n");
}

Picture read_png(const std::filesystem::path& path, const std::string& bytes) {
  PngDecoder decoder(bytes);
  const auto require = [&](bool worked) {
    if (worked) return;
    throw DataError(fmt::format("{}: not a usable PNG: {}", path.string(), decoder.message()));
  };
  require(decoder.read_header());
  Picture picture{.width = decoder.width(), .height = decoder.height(), .pixels = {}};
  const auto pixels = static_cast<std::size_t>(checked_pixels(path, picture.width, picture.height));
  const auto channels = decoder.channels();
  const auto row_bytes = channels * static_cast<std::size_t>(picture.width);
  std::vector<std::uint8_t> samples(channels * pixels);
  std::vector<png_bytep> rows(static_cast<std::size_t>(picture.height));
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = &samples[i * row_bytes];
  require(decoder.read_rows(rows.data()));

  const bool in_colour = channels >= 3;
  const bool has_alpha = channels % 2 == 0;
  picture.pixels.resize(pixels);
  std::vector<std::uint8_t> alpha(has_alpha ? pixels : 0);
  for (std::size_t i = 0; i < pixels; ++i) {
    const auto* const sample = &samples[i * channels];
    picture.pixels[i] = in_colour ? grey_of(sample) : *sample;
    if (has_alpha) alpha[i] = sample[channels - 1];
  }
  if (has_alpha) remove_transparency(alpha, picture);
  return picture;
}

}  // namespace lockstep::data

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
  explicit PngDecoder(const std::string& bytes, SixteenBits sixteen_bits = SixteenBits::kRounded)
      : bytes_(bytes), sixteen_bits_(sixteen_bits) {
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
    if (sixteen_bits_ == SixteenBits::kRounded) ::png_set_scale_16(png_);
    if (sixteen_bits_ == SixteenBits::kHighByte) ::png_set_strip_16(png_);
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
  SixteenBits sixteen_bits_;
  std::size_t position_ = 0;
  std::array<char, 128> message_ = {"no memory"};
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
};

/// The decoder behind the header.
class OpenPng {
 public:
  OpenPng(const std::filesystem::path& path, const std::string& bytes,
          SixteenBits sixteen_bits = SixteenBits::kRounded)
      : path_(path), decoder_(bytes, sixteen_bits) {
    require(decoder_.read_header());
  }
  [[nodiscard]] PictureHeader header() const {
    return {.width = decoder_.width(),
            .height = decoder_.height(),
            .in_colour = decoder_.channels() >= 3};
  }
  [[nodiscard]] Pixels read() {
    Pixels pixels{
        .width = decoder_.width(), .height = decoder_.height(), .channels = decoder_.channels()};
    const auto row_bytes = pixels.channels * static_cast<std::size_t>(pixels.width);
    std::vector<png_bytep> rows(static_cast<std::size_t>(pixels.height));
    pixels.samples.resize(row_bytes * rows.size());
    for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = &pixels.samples[i * row_bytes];
    require(decoder_.read_rows(rows.data()));
    return pixels;
  }

 private:
  void require(bool worked) const {
    if (worked) return;
    throw DataError(fmt::format("{}: not a usable PNG: {}", path_.string(), decoder_.message()));
  }
  const std::filesystem::path& path_;
  PngDecoder decoder_;
};

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

PictureHeader png_header(const std::filesystem::path& path, const std::string& bytes) {
  return OpenPng(path, bytes).header();
}

Pixels decode_png(const std::filesystem::path& path, const std::string& bytes,
                  SixteenBits sixteen_bits, SizeCheck check_size) {
  OpenPng png(path, bytes, sixteen_bits);
  const auto header = png.header();
  check_size(path, header.width, header.height);
  return png.read();
}

Picture read_png(const std::filesystem::path& path, const std::string& bytes) {
  const auto [width, height, channels, samples] =
      decode_png(path, bytes, SixteenBits::kRounded, check_pixels);
  Picture picture{.width = width, .height = height, .pixels = {}};
  const auto pixels = static_cast<std::size_t>(width * height);
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

#include "jpeg_reader.hpp"

#include <jpeglib.h>

#include <array>
#include <csetjmp>
#include <cstdio>
#include <cstring>

#include <fmt/format.h>

#include <lockstep/base/error.hpp>

namespace lockstep::data {
namespace {

constexpr int kMaxScans = 500;  // each costs a pass over the picture, and few bytes
constexpr int kColours = 3;
constexpr int kColoursOfPrint = 4;

/// libjpeg ends its error handler's call by longjmp, which must not skip a frame with a destructor.
/// So each of its calls is made in a function that holds nothing but `this`.
class JpegDecoder {
 public:
  explicit JpegDecoder(const std::string& bytes) : bytes_(bytes) {
    decoder_.err = ::jpeg_std_error(&errors_);
    decoder_.client_data = this;
    errors_.error_exit = &fail;
    errors_.emit_message = &look_at;
    progress_.progress_monitor = &limit_scans;
  }
  ~JpegDecoder() { ::jpeg_destroy_decompress(&decoder_); }
  JpegDecoder(const JpegDecoder&) = delete;
  JpegDecoder& operator=(const JpegDecoder&) = delete;
  JpegDecoder(JpegDecoder&&) = delete;
  JpegDecoder& operator=(JpegDecoder&&) = delete;

  /// Returns false on failure; `message` says why.
  [[nodiscard]] bool read_header() {
    if (setjmp(jump_) != 0) return false;  // NOLINT(cert-err52-cpp): libjpeg's way
    ::jpeg_create_decompress(&decoder_);
    decoder_.progress = &progress_;
    ::jpeg_mem_src(&decoder_, reinterpret_cast<const unsigned char*>(bytes_.data()),
                   static_cast<unsigned long>(bytes_.size()));
    (void)::jpeg_read_header(&decoder_, TRUE);
    decoder_.out_color_space = components() == 1 ? JCS_GRAYSCALE : JCS_RGB;
    return true;
  }
  /// Fills height · width · components bytes.
  [[nodiscard]] bool read_rows(std::uint8_t* samples) {
    next_row_ = samples;
    if (setjmp(jump_) != 0) return false;  // NOLINT(cert-err52-cpp)
    (void)::jpeg_start_decompress(&decoder_);
    while (decoder_.output_scanline < decoder_.output_height) {
      (void)::jpeg_read_scanlines(&decoder_, &next_row_, 1);
      next_row_ += static_cast<std::size_t>(decoder_.output_width) *
                   static_cast<std::size_t>(decoder_.output_components);
    }
    (void)::jpeg_finish_decompress(&decoder_);  // looks for the end of the picture
    return true;
  }

  [[nodiscard]] std::int64_t width() const { return decoder_.image_width; }
  [[nodiscard]] std::int64_t height() const { return decoder_.image_height; }
  /// 1: grey, 3: red, green and blue, 4: CMYK.
  [[nodiscard]] int components() const { return decoder_.num_components; }
  [[nodiscard]] const char* message() const { return message_.data(); }

 private:
  static JpegDecoder& of(j_common_ptr decoder) {
    return *static_cast<JpegDecoder*>(decoder->client_data);
  }
  [[noreturn]] static void fail(j_common_ptr decoder) {
    auto& self = of(decoder);
    self.errors_.format_message(decoder, self.message_.data());
    std::longjmp(self.jump_, 1);  // NOLINT(cert-err52-cpp)
  }
  /// A level below 0 is a warning, that the picture is cut off or damaged.
  static void look_at(j_common_ptr decoder, int level) {
    if (level < 0) fail(decoder);
  }
  static void limit_scans(j_common_ptr decoder) {
    auto& self = of(decoder);
    if (self.decoder_.input_scan_number <= kMaxScans) return;
    std::strncpy(self.message_.data(), "it has too many scans", self.message_.size() - 1);
    std::longjmp(self.jump_, 1);  // NOLINT(cert-err52-cpp)
  }

  const std::string& bytes_;
  std::array<char, JMSG_LENGTH_MAX> message_ = {};
  std::jmp_buf jump_ = {};
  jpeg_error_mgr errors_ = {};
  jpeg_progress_mgr progress_ = {};
  jpeg_decompress_struct decoder_ = {};
  JSAMPROW next_row_ = nullptr;
};

/// The decoder behind the header.
class OpenJpeg {
 public:
  OpenJpeg(const std::filesystem::path& path, const std::string& bytes)
      : path_(path), decoder_(bytes) {
    require(decoder_.read_header());
    const int components = decoder_.components();
    if (components == 1 || components == kColours) return;
    refuse(components == kColoursOfPrint ? std::string("a picture in CMYK: save it in RGB")
                                         : fmt::format("a picture of {} components", components));
  }
  [[nodiscard]] PictureHeader header() const {
    return {.width = decoder_.width(),
            .height = decoder_.height(),
            .in_colour = decoder_.components() == kColours};
  }
  [[nodiscard]] Pixels read() {
    const auto channels = static_cast<std::size_t>(decoder_.components());
    Pixels pixels{.width = decoder_.width(), .height = decoder_.height(), .channels = channels};
    pixels.samples.resize(static_cast<std::size_t>(pixels.width * pixels.height) * channels);
    require(decoder_.read_rows(pixels.samples.data()));
    return pixels;
  }

 private:
  [[noreturn]] void refuse(const std::string& why) const {
    throw DataError(fmt::format("{}: {}", path_.string(), why));
  }
  void require(bool worked) const {
    if (!worked) refuse(fmt::format("not a usable JPEG: {}", decoder_.message()));
  }
  const std::filesystem::path& path_;
  JpegDecoder decoder_;
};

}  // namespace

bool is_jpeg(const std::string& bytes) {
  return bytes.starts_with("\xff\xd8\xff");
}

PictureHeader jpeg_header(const std::filesystem::path& path, const std::string& bytes) {
  return OpenJpeg(path, bytes).header();
}

Pixels decode_jpeg(const std::filesystem::path& path, const std::string& bytes,
                   SizeCheck check_size) {
  OpenJpeg jpeg(path, bytes);
  const auto header = jpeg.header();
  check_size(path, header.width, header.height);
  return jpeg.read();
}

}  // namespace lockstep::data

// PNG and JPEG files made by libpng and libjpeg. Whoever includes this links PNG::PNG and
// JPEG::JPEG.
#pragma once

#include <jpeglib.h>
#include <png.h>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace lockstep::tests {

/// What a PNG is made of. Samples of 16 bits are two bytes, the higher first.
struct Png {
  png_uint_32 width = 1;
  png_uint_32 height = 1;
  int depth = 8;
  int colour = PNG_COLOR_TYPE_GRAY;
  std::vector<std::uint8_t> samples{};
  bool interlaced = false;
  double gamma = 0;  ///< 0: none is named
  std::vector<png_color> palette{};
  std::vector<png_byte> palette_alpha{};
};

inline std::string bytes_of(Png picture) {
  auto* png = ::png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  auto* info = ::png_create_info_struct(png);
  std::string bytes;
  ::png_set_write_fn(
      png, &bytes,
      [](png_structp writer, png_bytep data, std::size_t count) {
        static_cast<std::string*>(::png_get_io_ptr(writer))
            ->append(reinterpret_cast<const char*>(data), count);
      },
      nullptr);
  ::png_set_IHDR(png, info, picture.width, picture.height, picture.depth, picture.colour,
                 picture.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (picture.gamma != 0) ::png_set_gAMA(png, info, picture.gamma);
  if (!picture.palette.empty()) {
    ::png_set_PLTE(png, info, picture.palette.data(), static_cast<int>(picture.palette.size()));
  }
  if (!picture.palette_alpha.empty()) {
    ::png_set_tRNS(png, info, picture.palette_alpha.data(),
                   static_cast<int>(picture.palette_alpha.size()), nullptr);
  }
  ::png_write_info(png, info);
  std::vector<png_bytep> rows;
  for (std::size_t i = 0; i < picture.height; ++i) {
    rows.push_back(&picture.samples[i * picture.samples.size() / picture.height]);
  }
  ::png_write_image(png, rows.data());
  ::png_write_end(png, nullptr);
  ::png_destroy_write_struct(&png, &info);
  return bytes;
}

/// What a JPEG is made of.
struct Jpeg {
  unsigned width = 1;
  unsigned height = 1;
  int components = 3;  ///< 1: grey, 3: red, green and blue, 4: CMYK
  std::vector<std::uint8_t> samples{};
  int quality = 90;
  bool progressive = false;
  std::vector<std::uint8_t> exif{};  ///< an APP1 segment; empty: none
};

inline std::string bytes_of(const Jpeg& picture) {
  jpeg_error_mgr errors = {};
  jpeg_compress_struct encoder = {};
  encoder.err = ::jpeg_std_error(&errors);
  ::jpeg_create_compress(&encoder);
  unsigned char* memory = nullptr;
  unsigned long size = 0;
  ::jpeg_mem_dest(&encoder, &memory, &size);
  encoder.image_width = picture.width;
  encoder.image_height = picture.height;
  encoder.input_components = picture.components;
  encoder.in_color_space = picture.components == 1   ? JCS_GRAYSCALE
                           : picture.components == 3 ? JCS_RGB
                                                     : JCS_CMYK;
  ::jpeg_set_defaults(&encoder);
  ::jpeg_set_quality(&encoder, picture.quality, TRUE);
  if (picture.progressive) ::jpeg_simple_progression(&encoder);
  ::jpeg_start_compress(&encoder, TRUE);
  if (!picture.exif.empty()) {
    ::jpeg_write_marker(&encoder, JPEG_APP0 + 1, picture.exif.data(),
                        static_cast<unsigned>(picture.exif.size()));
  }
  auto samples = picture.samples;
  while (encoder.next_scanline < encoder.image_height) {
    JSAMPROW row = &samples[encoder.next_scanline * samples.size() / picture.height];
    (void)::jpeg_write_scanlines(&encoder, &row, 1);
  }
  ::jpeg_finish_compress(&encoder);
  std::string bytes(reinterpret_cast<const char*>(memory), size);
  ::jpeg_destroy_compress(&encoder);
  std::free(memory);  // NOLINT(cppcoreguidelines-no-malloc)
  return bytes;
}

}  // namespace lockstep::tests

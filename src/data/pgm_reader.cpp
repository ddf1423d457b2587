#include "pgm_reader.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>

#include <fmt/format.h>

#include <lockstep/base/error.hpp>

#include "pixels.hpp"

namespace lockstep::data {
namespace {

constexpr int kWhite = 255;

[[noreturn]] void fail_pgm(const std::filesystem::path& path, const std::string& what) {
  throw DataError(fmt::format("{}: {}", path.string(), what));
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
    if (most < 1 || most > kSixteenBits) fail_pgm(path_, fmt::format("greatest value {}", most));
    check_pixels(path_, picture.width, picture.height);
    const auto pixels = picture.width * picture.height;
    ++position_;  // one space ends the header
    const std::int64_t pixel_bytes = text ? 2 : (most > kWhite ? 2 : 1);  // as text: with a space
    const auto left = static_cast<std::int64_t>(bytes_.size() - std::min(position_, bytes_.size()));
    if (left < pixels * pixel_bytes - (text ? 1 : 0)) {
      fail_pgm(path_, fmt::format("the file ends after {} bytes of its {} × {} pixels", left,
                                  picture.width, picture.height));
    }
    picture.pixels.reserve(static_cast<std::size_t>(pixels));
    for (std::int64_t i = 0; i < pixels; ++i) {
      const auto value = text ? number("pixel") : binary_pixel(pixel_bytes);
      if (value > most) fail_pgm(path_, fmt::format("a pixel of {}, above {}", value, most));
      picture.pixels.push_back(static_cast<std::uint8_t>((value * kWhite + most / 2) / most));
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
      fail_pgm(path_, fmt::format("not a usable PGM: no {} at offset {}", what, position_));
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

}  // namespace

bool is_pgm(const std::string& bytes) {
  return bytes.starts_with("P2") || bytes.starts_with("P5");
}

Picture read_pgm(const std::filesystem::path& path, const std::string& bytes) {
  return PgmReader(path, bytes).read();
}

}  // namespace lockstep::data

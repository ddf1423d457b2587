#include "picture_file.hpp"

#include <algorithm>
#include <cerrno>
#include <span>
#include <sys/stat.h>

#include <fmt/format.h>

#include <lockstep/base/error.hpp>

#include "jpeg_reader.hpp"
#include "png_reader.hpp"
#include "regular_file.hpp"

namespace lockstep::data {
namespace {

constexpr std::int64_t kMaxPictureBytes = std::int64_t{256} << 20U;
constexpr std::int64_t kBeginningBytes = std::int64_t{64} << 10U;

[[noreturn]] void refuse_picture(const std::filesystem::path& path, const std::string& why) {
  throw DataError(fmt::format("{}: {}", path.string(), why));
}

FileStamp checked_stamp(const std::filesystem::path& path, const struct stat& status) {
  constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
  if (!S_ISREG(status.st_mode)) refuse_picture(path, "it is not a file");
  if (status.st_size > kMaxPictureBytes) {
    refuse_picture(path, fmt::format("a picture of {} bytes: it may have up to {}", status.st_size,
                                     kMaxPictureBytes));
  }
  return {.bytes = status.st_size,
          .changed_ns = status.st_mtim.tv_sec * kNanosecondsPerSecond + status.st_mtim.tv_nsec};
}

FileStamp stamp_of_open(const RegularFile& file) {
  struct stat status = {};
  if (::fstat(file.descriptor(), &status) != 0) {
    refuse_picture(file.path(), fmt::format("cannot be read: {}", system_error_text(errno)));
  }
  return checked_stamp(file.path(), status);
}

/// Up to `most` bytes from the beginning.
std::string beginning_of(const RegularFile& file, std::int64_t most) {
  std::string bytes(static_cast<std::size_t>(std::min(most, file.size())), '\0');
  file.read(0, std::as_writable_bytes(std::span(bytes)));
  return bytes;
}

[[noreturn]] void refuse_format(const std::filesystem::path& path) {
  refuse_picture(path, "neither a PNG nor a JPEG: save the picture as one of these");
}

PictureHeader header_of(const std::filesystem::path& path, const std::string& bytes) {
  if (is_png(bytes)) return png_header(path, bytes);
  if (is_jpeg(bytes)) return jpeg_header(path, bytes);
  refuse_format(path);
}

}  // namespace

FileStamp stamp_of(const std::filesystem::path& path) {
  struct stat status = {};
  if (::stat(path.c_str(), &status) != 0) {
    refuse_picture(path, fmt::format("cannot be read: {}", system_error_text(errno)));
  }
  return checked_stamp(path, status);
}

PictureHeader read_picture_header(const std::filesystem::path& path) {
  const RegularFile file(path);
  const auto stamp = stamp_of_open(file);
  PictureHeader header;
  try {
    header = header_of(path, beginning_of(file, kBeginningBytes));
  } catch (const DataError&) {
    // Long descriptions may stand before the sizes.
    if (stamp.bytes <= kBeginningBytes) throw;
    header = header_of(path, beginning_of(file, kMaxPictureBytes));
  }
  check_sides(path, header.width, header.height);
  return header;
}

std::string read_picture_file(const std::filesystem::path& path, const FileStamp& stamp) {
  const RegularFile file(path);
  if (stamp_of_open(file) != stamp) {
    refuse_picture(path, "it changed while the data were read: start again");
  }
  return beginning_of(file, kMaxPictureBytes);
}

bool is_picture_file(const std::string& bytes) {
  return is_png(bytes) || is_jpeg(bytes);
}

Pixels decode_picture(const std::filesystem::path& path, const std::string& bytes) {
  if (is_png(bytes)) return decode_png(path, bytes, SixteenBits::kHighByte, check_sides);
  if (is_jpeg(bytes)) return decode_jpeg(path, bytes, check_sides);
  refuse_format(path);
}

}  // namespace lockstep::data

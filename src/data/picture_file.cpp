#include "picture_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <sys/stat.h>

#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/base/file.hpp>

#include "jpeg_reader.hpp"
#include "png_reader.hpp"

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

/// A file that is open, with its stamp.
class OpenFile {
 public:
  explicit OpenFile(const std::filesystem::path& path)
      : path_(path), file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) {
    struct stat status = {};
    if (file_.get() < 0 || ::fstat(file_.get(), &status) != 0) {
      refuse_picture(path, fmt::format("cannot be read: {}", system_error_text(errno)));
    }
    stamp_ = checked_stamp(path, status);
  }
  [[nodiscard]] const FileStamp& stamp() const { return stamp_; }

  /// Up to `most` bytes from the beginning.
  [[nodiscard]] std::string read(std::int64_t most) const {
    std::string bytes(static_cast<std::size_t>(std::min(most, stamp_.bytes)), '\0');
    for (std::size_t done = 0; done < bytes.size();) {
      const auto got =
          ::pread(file_.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) {
        refuse_picture(path_, fmt::format("cannot be read: {}", system_error_text(errno)));
      }
      if (got == 0) refuse_picture(path_, "it became shorter while it was read");
      done += static_cast<std::size_t>(got);
    }
    return bytes;
  }

 private:
  const std::filesystem::path& path_;
  FileDescriptor file_;
  FileStamp stamp_;
};

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
  const OpenFile file(path);
  PictureHeader header;
  try {
    header = header_of(path, file.read(kBeginningBytes));
  } catch (const DataError&) {
    // Long descriptions may stand before the sizes.
    if (file.stamp().bytes <= kBeginningBytes) throw;
    header = header_of(path, file.read(kMaxPictureBytes));
  }
  check_sides(path, header.width, header.height);
  return header;
}

std::string read_picture_file(const std::filesystem::path& path, const FileStamp& stamp) {
  const OpenFile file(path);
  if (file.stamp() != stamp) {
    refuse_picture(path, "it changed while the data were read: start again");
  }
  return file.read(kMaxPictureBytes);
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

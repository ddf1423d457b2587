#include "picture_cache.hpp"

#include <fcntl.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkostemps is not in cstdlib
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string_view>
#include <sys/stat.h>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/base/sha256.hpp>

namespace lockstep::data {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kFormatVersion = 1;  // another decoder or way to resize is another version
constexpr std::string_view kEnding = ".pictures";
constexpr std::string_view kUnfinished = ".part";

/// In the byte order of the machine.
struct CacheHeader {
  std::array<char, 16> magic = {'l', 'o', 'c', 'k', 's', 't', 'e', 'p',
                                ' ', 'p', 'i', 'c', 't', 'u', 'r', 'e'};
  std::uint64_t version = kFormatVersion;
  std::uint64_t file_bytes = 0;
  std::int64_t train_samples = 0;
  std::int64_t test_samples = 0;
  PictureShape shape{};

  [[nodiscard]] bool operator==(const CacheHeader& other) const {
    return std::memcmp(this, &other, sizeof other) == 0;
  }
};
static_assert(sizeof(CacheHeader) == 72 && std::is_trivially_copyable_v<CacheHeader>);

CacheHeader header_for(const PictureFolder& folder, const PictureShape& shape) {
  CacheHeader header;
  header.file_bytes = kCacheHeaderBytes + static_cast<std::size_t>(folder.size()) * shape.bytes();
  header.train_samples = static_cast<std::int64_t>(folder.train.size());
  header.test_samples = static_cast<std::int64_t>(folder.test.size());
  header.shape = shape;
  return header;
}

[[noreturn]] void fail_to(const char* action, const fs::path& path) {
  throw RuntimeFailure(
      fmt::format("cannot {} {}: {}", action, path.string(), system_error_text(errno)));
}

bool can_be(const PictureShape& shape) {
  const auto& [height, width] = shape.size;
  return (shape.channels == 1 || shape.channels == 3) && height >= 1 && width >= 1 &&
         height <= kMaxPictureSide && width <= kMaxPictureSide;
}

/// Of killed runs: a file that is being written changes all the time.
void remove_leftovers(const fs::path& folder) {
  constexpr auto kLongDead = std::chrono::hours(24);
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code ignored;
    const auto& path = entry->path();
    // "<digest>.pictures.<letters>.part"
    if (path.extension() != kUnfinished || path.stem().stem().extension() != kEnding) continue;
    const auto changed = fs::last_write_time(path, ignored);
    if (!ignored && fs::file_time_type::clock::now() - changed > kLongDead) {
      fs::remove(path, ignored);
    }
  }
}

/// What fsync and fallocate report if a file system does not support them.
bool is_not_supported(int reason) {
  return reason == EINVAL || reason == EOPNOTSUPP || reason == ENOSYS;
}

}  // namespace

std::string cache_name(const PictureFolder& folder, const std::optional<PictureSize>& resize) {
  Sha256 digest;
  const auto add = [&digest](const std::string& text) { digest.update(as_byte_span(text)); };
  add(fmt::format("lockstep pictures {}\n", kFormatVersion));
  if (resize) add(fmt::format("{} {}\n", resize->height, resize->width));
  for (std::int64_t i = 0; i < folder.size(); ++i) {
    const auto& [name, label, stamp] = folder.entry(i);
    add(fmt::format("{}:{} {} {}\n", name.size(), name, stamp.bytes, stamp.changed_ns));
  }
  return fmt::format("{}{}", to_hex(digest.finish()), kEnding);
}

std::optional<PictureShape> find_cache(const fs::path& path, const PictureFolder& folder) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status = {};
  CacheHeader header;
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode) ||
      ::pread(file.get(), &header, sizeof header, 0) != ssize_t{sizeof header}) {
    return std::nullopt;
  }
  if (!can_be(header.shape) || header != header_for(folder, header.shape)) return std::nullopt;
  if (static_cast<std::uint64_t>(status.st_size) != header.file_bytes) return std::nullopt;
  return header.shape;
}

CacheWriter::CacheWriter(fs::path path, const PictureFolder& folder, const PictureShape& shape)
    : path_(std::move(path)), temporary_(fmt::format("{}.XXXXXX{}", path_.string(), kUnfinished)) {
  std::error_code error;
  fs::create_directories(path_.parent_path(), error);
  if (error) {
    throw RuntimeFailure(
        fmt::format("cannot make {}: {}", path_.parent_path().string(), error.message()));
  }
  remove_leftovers(path_.parent_path());
  file_ = FileDescriptor(
      ::mkostemps(temporary_.data(), static_cast<int>(kUnfinished.size()), O_CLOEXEC));
  if (file_.get() < 0) fail_to("write in", path_.parent_path());
  try {
    const auto header = header_for(folder, shape);
    // A full disk is better noticed now.
    if (::fallocate(file_.get(), FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(header.file_bytes)) !=
            0 &&
        !is_not_supported(errno)) {
      fail_to("write", path_);
    }
    std::array<std::byte, kCacheHeaderBytes> block = {};
    std::memcpy(block.data(), &header, sizeof header);
    append(block);
  } catch (...) {
    ::unlink(temporary_.c_str());
    throw;
  }
}

CacheWriter::~CacheWriter() {
  ::unlink(temporary_.c_str());
}

void CacheWriter::append(std::span<const std::byte> pictures) {
  write_all(file_.get(), pictures, path_);
}

void CacheWriter::publish(const PictureFolder& folder) {
  if (::fsync(file_.get()) != 0 && !is_not_supported(errno)) fail_to("write", path_);
  const bool linked = ::link(temporary_.c_str(), path_.c_str()) == 0;
  if (!linked && errno == EEXIST && find_cache(path_, folder)) return;
  // What is there is damaged, or this file system has no links.
  if (!linked && ::rename(temporary_.c_str(), path_.c_str()) != 0) fail_to("rename to", path_);
  sync_folder(path_.parent_path());
}

}  // namespace lockstep::data

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <span>
#include <string>
#include <sys/stat.h>
#include <thread>

#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/base/file.hpp>
#include <lockstep/base/result_file.hpp>

#include "own_descriptor.hpp"

namespace lockstep {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr auto kBetweenOpens = std::chrono::milliseconds(20);

[[noreturn]] void refuse_result(const fs::path& path, const std::string& reason) {
  throw RuntimeFailure(fmt::format("cannot write {}: {}", path.string(), reason));
}

/// Where `path` leads through links, whether or not anything is there.
fs::path behind_links(fs::path path) {
  constexpr int kMaxLinks = 40;
  for (int links = 0; links < kMaxLinks && !own_descriptor(path); ++links) {
    std::error_code error;
    const auto target = fs::read_symlink(path, error);
    if (error) break;
    path = path.parent_path() / target;
  }
  return path;
}

/// A device, a pipe or a socket; not a folder, nor a path that does not exist.
bool is_stream(const fs::path& path) {
  std::error_code error;
  return fs::is_other(path, error);
}

fs::path folder_of(const fs::path& path) {
  return path.has_parent_path() ? path.parent_path() : fs::path(".");
}

bool is_mount_point(const fs::path& path) {
  struct statx status = {};
  return ::statx(AT_FDCWD, path.c_str(), 0, STATX_TYPE, &status) == 0 &&
         (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

/// A file that can be written to but not replaced.
bool needs_writing_in_place(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error) && ::access(path.c_str(), W_OK) == 0 &&
         (::access(folder_of(path).c_str(), W_OK | X_OK) != 0 || is_mount_point(path));
}

/// Also works for a non-blocking descriptor.
void write_patiently(int descriptor, std::string_view text, const fs::path& path,
                     std::chrono::seconds patience) {
  const auto limit_ms = static_cast<int>(std::chrono::milliseconds(patience).count());
  while (!text.empty()) {
    const auto count = ::write(descriptor, text.data(), text.size());
    if (count >= 0) {
      text.remove_prefix(static_cast<std::size_t>(count));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) refuse_result(path, system_error_text(errno));
    pollfd waiting = {descriptor, POLLOUT, 0};
    if (::poll(&waiting, 1, limit_ms) == 0) {
      refuse_result(path, fmt::format("nobody has read from it for {} s", patience.count()));
    }
  }
}

/// Uses O_NONBLOCK, so that a pipe without a reader is an error and not an endless wait.
FileDescriptor open_stream(const fs::path& path, std::chrono::seconds patience) {
  const auto deadline = Clock::now() + patience;
  while (true) {
    FileDescriptor stream(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (stream.get() >= 0) return stream;
    const int reason = errno;
    std::error_code error;
    const bool no_reader = reason == ENXIO && fs::is_fifo(path, error);
    if (!no_reader && reason != EINTR) refuse_result(path, system_error_text(reason));
    if (Clock::now() > deadline) {
      refuse_result(path, fmt::format("nobody has opened it to read for {} s", patience.count()));
    }
    std::this_thread::sleep_for(kBetweenOpens);
  }
}

void write_in_place(const fs::path& path, std::string_view text) {
  const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_TRUNC | O_CLOEXEC));
  if (file.get() < 0) refuse_result(path, system_error_text(errno));
  write_all(file.get(), as_byte_span(text), path);
}

/// 0 if it is writable, as far as permissions tell.
int why_not_writable(const fs::path& path) {
  return ::access(path.c_str(), W_OK) == 0 ? 0 : errno;
}

/// 0 if it can be replaced, even if the disk may be full. Tries the first step of
/// write_file_atomically: not even root can make a file everywhere.
int why_not_replaceable(const fs::path& path) {
  const auto temporary = temporary_name(path);
  const FileDescriptor file(
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (file.get() < 0) return errno == ENOSPC || errno == EDQUOT ? 0 : errno;
  ::unlink(temporary.c_str());
  return 0;
}

}  // namespace

void write_result_file(const fs::path& path, std::string_view text, std::chrono::seconds patience) {
  const auto target = behind_links(path);
  if (const auto own = own_descriptor(target)) return write_patiently(*own, text, path, patience);
  if (is_stream(path)) {
    return write_patiently(open_stream(path, patience).get(), text, path, patience);
  }
  if (needs_writing_in_place(target)) return write_in_place(target, text);
  write_file_atomically(target, text);
}

void require_writable_result(std::string_view option, const fs::path& path) {
  if (path.empty()) return;
  const auto where = fmt::format("{} {}", option, path.string());
  const auto target = behind_links(path);
  if (const auto own = own_descriptor(target)) {
    const int flags = ::fcntl(*own, F_GETFL);
    if (flags >= 0 && (flags & O_ACCMODE) != O_RDONLY) return;
    throw UsageError(fmt::format("{}: it is not open for writing", where));
  }
  std::error_code error;
  if (fs::is_directory(path, error) || !target.has_filename()) {
    throw UsageError(fmt::format("{}: that is a folder: name a file", where));
  }
  const auto folder = folder_of(target);
  if (!fs::is_directory(folder, error)) {
    throw UsageError(fmt::format("{}: there is no folder {}: make it, or name another file", where,
                                 folder.string()));
  }
  const bool in_place = is_stream(path) || needs_writing_in_place(target);
  const int reason = in_place ? why_not_writable(path) : why_not_replaceable(target);
  if (reason != 0) {
    throw RuntimeFailure(
        fmt::format("{}: cannot write there: {}", where, system_error_text(reason)));
  }
}

}  // namespace lockstep

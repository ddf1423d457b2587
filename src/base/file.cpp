#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/base/file.hpp>
#include <lockstep/base/standard_output.hpp>

#include "write_within.hpp"

namespace lockstep {
namespace {

[[noreturn]] void fail(std::string_view action, const std::filesystem::path& path) {
  const int reason = errno;
  const auto text =
      fmt::format("cannot {} {}: {}", action, path.string(), system_error_text(reason));
  if (reason == ENOSPC || reason == EDQUOT) throw NoSpaceLeft(text);
  throw RuntimeFailure(text);
}

/// What fsync reports if a file system does not support it.
bool is_no_sync(int reason) {
  return reason == EINVAL || reason == EOPNOTSUPP || reason == ENOSYS || reason == EROFS;
}

/// Removes the temporary file unless the rename has made it permanent.
class TemporaryName {
 public:
  explicit TemporaryName(std::filesystem::path path) : path_(std::move(path)) {}
  TemporaryName(const TemporaryName&) = delete;
  TemporaryName& operator=(const TemporaryName&) = delete;
  TemporaryName(TemporaryName&&) = delete;
  TemporaryName& operator=(TemporaryName&&) = delete;
  ~TemporaryName() {
    if (!kept_) ::unlink(path_.c_str());
  }
  void keep() { kept_ = true; }

 private:
  std::filesystem::path path_;
  bool kept_ = false;
};

/// Waits after a write was refused for the moment. Leaves errno at EAGAIN.
bool can_be_written_before(std::chrono::steady_clock::time_point deadline, int descriptor) {
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  pollfd output = {.fd = descriptor, .events = POLLOUT, .revents = 0};
  const int ready = left.count() > 0 ? ::poll(&output, 1, static_cast<int>(left.count())) : 0;
  const bool interrupted = ready < 0 && errno == EINTR;
  errno = EAGAIN;
  return ready > 0 || interrupted;
}

}  // namespace

FileDescriptor::FileDescriptor(FileDescriptor&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

FileDescriptor& FileDescriptor::operator=(FileDescriptor&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  return *this;
}

FileDescriptor::~FileDescriptor() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void write_all_within(std::chrono::milliseconds wait, int descriptor,
                      std::span<const std::byte> bytes, const std::filesystem::path& path) {
  const auto deadline = std::chrono::steady_clock::now() + wait;
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0 && errno == EAGAIN && can_be_written_before(deadline, descriptor)) continue;
    if (written < 0) fail("write", path);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void write_all(int descriptor, std::span<const std::byte> bytes,
               const std::filesystem::path& path) {
  write_all_within(kUsualWriteWait, descriptor, bytes, path);
}

void write_standard_output(std::string_view text, std::chrono::milliseconds wait) {
  write_all_within(wait, STDOUT_FILENO, as_byte_span(text), "standard output");
}

void write_standard_output(std::string_view text) {
  write_standard_output(text, kUsualWriteWait);
}

Appended append_whole(int descriptor, std::span<const std::byte> bytes,
                      const std::filesystem::path& path) {
  const auto end = ::lseek(descriptor, 0, SEEK_END);
  try {
    write_all(descriptor, bytes, path);
    return {};
  } catch (const RuntimeFailure& failure) {
    return {failure.what(), end < 0 || ::ftruncate(descriptor, end) != 0};
  }
}

std::filesystem::path temporary_name(const std::filesystem::path& path) {
  return path.string() + fmt::format(".{}.part", static_cast<long>(::getpid()));
}

void write_file_atomically(const std::filesystem::path& path,
                           std::span<const std::span<const std::byte>> parts) {
  const auto temporary = temporary_name(path);
  FileDescriptor descriptor(
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (descriptor.get() < 0) fail("create", temporary);
  TemporaryName guard(temporary);
  for (const auto part : parts) write_all(descriptor.get(), part, temporary);
  if (::fsync(descriptor.get()) != 0 && !is_no_sync(errno)) fail("write", temporary);
  if (::rename(temporary.c_str(), path.c_str()) != 0) fail("rename to", path);
  guard.keep();
  sync_folder(path.has_parent_path() ? path.parent_path() : std::filesystem::path("."));
}

void sync_folder(const std::filesystem::path& folder) {
  const FileDescriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (descriptor.get() < 0 || ::fsync(descriptor.get()) == 0) return;
  // Many file systems cannot sync a folder, and report that in many ways; the rename has happened
  // all the same. A failing disk is another matter.
  if (errno == EIO || errno == ENOSPC || errno == EDQUOT) fail("sync folder", folder);
}

void write_file_atomically(const std::filesystem::path& path, std::string_view text) {
  const std::array parts = {as_byte_span(text)};
  write_file_atomically(path, parts);
}

}  // namespace lockstep

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/base/file.hpp>

namespace lockstep {
namespace {

[[noreturn]] void fail(std::string_view action, const std::filesystem::path& path) {
  const int reason = errno;
  throw RuntimeFailure(
      fmt::format("cannot {} {}: {}", action, path.string(), system_error_text(reason)));
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

void write_all(int descriptor, std::span<const std::byte> bytes,
               const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("write", path);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void write_standard_output(std::string_view text) {
  write_all(STDOUT_FILENO, as_byte_span(text), "standard output");
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

void write_file_atomically(const std::filesystem::path& path,
                           std::span<const std::span<const std::byte>> parts) {
  const std::filesystem::path temporary =
      path.string() + fmt::format(".{}.part", static_cast<long>(::getpid()));
  FileDescriptor descriptor(
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (descriptor.get() < 0) fail("create", temporary);
  TemporaryName guard(temporary);
  for (const auto part : parts) write_all(descriptor.get(), part, temporary);
  if (::fsync(descriptor.get()) != 0) fail("write", temporary);
  if (::rename(temporary.c_str(), path.c_str()) != 0) fail("rename to", path);
  guard.keep();
  sync_folder(path.has_parent_path() ? path.parent_path() : std::filesystem::path("."));
}

void sync_folder(const std::filesystem::path& folder) {
  const FileDescriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // Some file systems refuse to sync a folder; the rename has happened all the same.
  if (descriptor.get() >= 0 && ::fsync(descriptor.get()) != 0 && errno != EINVAL) {
    fail("sync folder", folder);
  }
}

void write_file_atomically(const std::filesystem::path& path, std::string_view text) {
  const std::array parts = {as_byte_span(text)};
  write_file_atomically(path, parts);
}

}  // namespace lockstep

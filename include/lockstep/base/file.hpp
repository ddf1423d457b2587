// Writing files that are whole or absent, and writing to standard output.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace lockstep {

/// Owns a POSIX file descriptor; closes it. Move-only.
class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int descriptor) : descriptor_(descriptor) {}
  FileDescriptor(FileDescriptor&& other) noexcept;
  FileDescriptor& operator=(FileDescriptor&& other) noexcept;
  FileDescriptor(const FileDescriptor&) = delete;
  FileDescriptor& operator=(const FileDescriptor&) = delete;
  ~FileDescriptor();

  [[nodiscard]] int get() const noexcept { return descriptor_; }

 private:
  int descriptor_ = -1;
};

/// Writes all of `bytes` to `descriptor`, continuing after short writes. Throws RuntimeFailure
/// naming `path` and the reason (disk full, …).
void write_all(int descriptor, std::span<const std::byte> bytes, const std::filesystem::path& path);

/// Writes to the process's standard output at once, so that a full disk is noticed where the text
/// comes from. Throws RuntimeFailure.
void write_standard_output(std::string_view text);

/// The outcome of an append.
struct Appended {
  std::string failure{};  ///< why it failed; empty on success
  bool torn = false;      ///< part of it was written and cannot be removed
};

/// Appends all of `bytes` to the file open as `descriptor`. On failure, removes what was written,
/// if it can.
[[nodiscard]] Appended append_whole(int descriptor, std::span<const std::byte> bytes,
                                    const std::filesystem::path& path);

/// Replaces `path` by a file that holds exactly the concatenated `parts`: writes a temporary file
/// in the same folder, syncs and renames it, and syncs the folder. A failure before the rename
/// leaves the old file (or none) and no temporary one; a failure to sync the folder leaves the new
/// file. Throws RuntimeFailure naming the file and the reason, or its subclass NoSpaceLeft.
void write_file_atomically(const std::filesystem::path& path,
                           std::span<const std::span<const std::byte>> parts);
void write_file_atomically(const std::filesystem::path& path, std::string_view text);

/// The temporary name under which write_file_atomically in this process first writes `path`.
[[nodiscard]] std::filesystem::path temporary_name(const std::filesystem::path& path);

/// Makes renames in `folder` survive a power failure, if the file system can. Throws
/// RuntimeFailure.
void sync_folder(const std::filesystem::path& folder);

/// `text` as raw bytes.
[[nodiscard]] inline std::span<const std::byte> as_byte_span(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace lockstep

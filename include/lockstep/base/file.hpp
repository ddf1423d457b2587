// Files that are whole or absent, and sizes that are checked before they are trusted.
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

/// Writes all of `bytes` to `descriptor`, going on after short writes.
/// Throws RuntimeFailure naming `path` and the reason (disk full, …).
void write_all(int descriptor, std::span<const std::byte> bytes, const std::filesystem::path& path);

/// Writes to the process's standard output at once, so that a full disk is seen where the text
/// comes from. Throws RuntimeFailure.
void write_standard_output(std::string_view text);

/// What became of an append.
struct Appended {
  std::string failure{};  ///< why it failed; empty: it is all there
  bool torn = false;      ///< a part of it is there, and cannot be taken away
};

/// Appends all of `bytes` to the file behind `descriptor`, or else, if that can be had, nothing.
[[nodiscard]] Appended append_whole(int descriptor, std::span<const std::byte> bytes,
                                    const std::filesystem::path& path);

/// Replaces `path` by a file holding exactly the concatenated `parts`: written to a temporary name
/// in the same folder, synced, renamed, folder synced. On a failure before the rename the old
/// file, or none, is there, and no temporary one; after it (syncing the folder) the new one is.
/// Throws RuntimeFailure naming the file and the reason; NoSpaceLeft, which is one, if that is it.
void write_file_atomically(const std::filesystem::path& path,
                           std::span<const std::span<const std::byte>> parts);
void write_file_atomically(const std::filesystem::path& path, std::string_view text);

/// The name under which this process's write_file_atomically begins `path`.
[[nodiscard]] std::filesystem::path temporary_name(const std::filesystem::path& path);

/// Makes renames in `folder` last through a loss of power, where the file system can.
/// Throws RuntimeFailure.
void sync_folder(const std::filesystem::path& folder);

/// `text` as raw bytes.
[[nodiscard]] inline std::span<const std::byte> as_byte_span(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace lockstep

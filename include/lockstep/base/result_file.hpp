// Files that the user names for results: whatever is there already is kept or written to, and never
// replaced unless it is a file.
#pragma once

#include <chrono>
#include <filesystem>
#include <string_view>

namespace lockstep {

/// Writes `text` to `path`. A file, or nothing: as write_file_atomically, behind symbolic links,
/// which stay. A file that is a mount point or lies in a folder that cannot be written to: in
/// place. A device or a pipe: written to; a pipe's reader is waited for, up to `patience` at a
/// time. /dev/stdout, /dev/stderr and /dev/fd/N: this process's own descriptors, wherever they
/// stand. Throws RuntimeFailure naming the path and the reason.
void write_result_file(const std::filesystem::path& path, std::string_view text,
                       std::chrono::seconds patience = std::chrono::minutes(10));

/// For the start of a command that takes minutes: throws UsageError if `path`, which was
/// given as `option`, cannot be written because it is a folder, lies in no folder, or is
/// closed, and RuntimeFailure if permission is lacking. An empty path: nothing to do. Leaves
/// nothing behind.
void require_writable_result(std::string_view option, const std::filesystem::path& path);

}  // namespace lockstep

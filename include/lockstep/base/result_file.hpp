// Files that the user names for results. What is already there is kept or written to; only a
// regular file is ever replaced.
#pragma once

#include <chrono>
#include <filesystem>
#include <string_view>

namespace lockstep {

/// Writes `text` to `path`, in a way that depends on what that is. A file, or nothing: as
/// write_file_atomically, through symbolic links, which stay. A file that is a mount point or whose
/// folder is not writable: in place. A device or a pipe: written to, waiting for a pipe's reader
/// for up to `patience` at a time. /dev/stdout, /dev/stderr and /dev/fd/N: to this process's own
/// descriptor, at its current position. Throws RuntimeFailure naming the path and the reason.
void write_result_file(const std::filesystem::path& path, std::string_view text,
                       std::chrono::seconds patience = std::chrono::minutes(10));

/// For the start of a command that takes minutes. Throws UsageError if `path`, given as `option`,
/// cannot be written because it is a folder, its folder does not exist, or its descriptor is
/// closed; throws RuntimeFailure if permission is lacking. Does nothing for an empty path. Leaves
/// nothing behind.
void require_writable_result(std::string_view option, const std::filesystem::path& path);

}  // namespace lockstep

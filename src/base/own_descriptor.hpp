// Paths that name descriptors of this process.
#pragma once

#include <filesystem>
#include <optional>

namespace lockstep {

/// The descriptor behind /dev/stdin, /dev/stdout, /dev/stderr, /dev/fd/N or /proc/self/fd/N.
/// Opening such a path makes a second description with its own offset, and needs permissions that
/// the process may no longer have; using the descriptor itself avoids both problems.
[[nodiscard]] std::optional<int> own_descriptor(const std::filesystem::path& path);

}  // namespace lockstep

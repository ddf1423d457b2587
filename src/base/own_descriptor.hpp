// Paths that name descriptors of this process.
#pragma once

#include <filesystem>
#include <optional>

namespace lockstep {

/// The descriptor behind /dev/stdin, /dev/stdout, /dev/stderr, /dev/fd/N or /proc/self/fd/N. To
/// open such a path makes a second description with an offset of its own, and needs permissions
/// that the process may no longer have: the descriptor itself has neither problem.
[[nodiscard]] std::optional<int> own_descriptor(const std::filesystem::path& path);

}  // namespace lockstep

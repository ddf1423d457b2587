// Reading a small file that may be a pipe.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

namespace lockstep {

/// Reads the file, pipe or device at `path` to its end, once. /dev/stdin and /dev/fd/N are this
/// process's own descriptors. Waits for the writer of a pipe, but for at most a minute without a
/// byte. Throws RuntimeFailure with the reason ("cannot read X: …") if the file is missing, is a
/// folder, has more than `most_bytes`, or stays silent. Throws Error with exit code 75 if a signal
/// with a handler arrives during the wait.
[[nodiscard]] std::string read_input_file(const std::filesystem::path& path,
                                          std::size_t most_bytes);

}  // namespace lockstep

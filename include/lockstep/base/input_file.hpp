// Reading a small file that may be a pipe.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>

namespace lockstep {

/// The content of the file, pipe or device at `path`, read to its end once. /dev/stdin and
/// /dev/fd/N are this process's own descriptors. Waits for whoever writes to a pipe, for a minute
/// at most without a byte. Throws RuntimeFailure with the reason ("cannot read X: …"): it is not
/// there, is a folder, has more than `most_bytes`, stays silent. Throws Error with exit code 75 if
/// a signal with a handler arrives while it waits.
[[nodiscard]] std::string read_input_file(const std::filesystem::path& path,
                                          std::size_t most_bytes);

}  // namespace lockstep

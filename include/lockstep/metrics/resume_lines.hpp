// metrics.jsonl of a run that continues from an earlier point.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace lockstep::metrics {

/// Removes the lines that the resumed run will write again, so that nothing is counted twice:
/// `train` and `checkpoint` lines of steps past `steps`; lines about whole epochs from `epoch`
/// (from 1) on, except the `epoch` line of `epoch` itself if it `is_trained` and only its
/// evaluation will be repeated; ends of runs that are past `steps` or complete; and a last line
/// that was cut short. Also removes lines in the middle that are not JSON objects; the original
/// file is then kept as metrics.jsonl.damaged. Atomic. Does nothing without a file. Returns what
/// people should know about damaged lines or an unreadable file, else "". Throws RuntimeFailure if
/// the new file cannot be written.
std::string drop_lines_past(const std::filesystem::path& path, std::int64_t steps,
                            std::int64_t epoch, bool is_trained = false);

/// True if the last whole line that is a JSON object says that the run was completed after `steps`
/// steps.
[[nodiscard]] bool says_completed(const std::filesystem::path& path, std::int64_t steps);

}  // namespace lockstep::metrics

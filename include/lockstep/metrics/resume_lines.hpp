// metrics.jsonl of a run that goes on from an earlier point.
#pragma once

#include <cstdint>
#include <filesystem>

namespace lockstep::metrics {

/// Takes out what the resumed run will tell again, so that nothing is counted twice: `train` and
/// `checkpoint` lines of steps past `steps`, lines of `epoch` (from 1) and later ones that tell of
/// whole epochs, ends of runs past `steps` or complete, and a last line that was cut short.
/// Atomic. No file: nothing to do. Throws RuntimeFailure, or DataError naming a line in the middle
/// that is no JSON object.
void drop_lines_past(const std::filesystem::path& path, std::int64_t steps, std::int64_t epoch);

/// True if the last whole line says that the run was completed after `steps` steps.
[[nodiscard]] bool says_completed(const std::filesystem::path& path, std::int64_t steps);

}  // namespace lockstep::metrics

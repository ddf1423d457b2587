// metrics.jsonl of a run that goes on from an earlier point.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace lockstep::metrics {

/// Takes out what the resumed run will tell again, so that nothing is counted twice: `train` and
/// `checkpoint` lines of steps past `steps`, lines of `epoch` (from 1) and later ones that tell of
/// whole epochs (but for the `epoch` line of `epoch` itself where that `is_trained` and only its
/// evaluation will be repeated), ends of runs past `steps` or complete, and a last line that was
/// cut short. Takes out lines in the middle that are no JSON object, too; the file as it was stays
/// beside it then, as metrics.jsonl.damaged. Atomic. No file: nothing to do. Returns what a person
/// should know of damaged lines or of a file that cannot be read, else "". Throws RuntimeFailure if
/// the new file cannot be written.
std::string drop_lines_past(const std::filesystem::path& path, std::int64_t steps,
                            std::int64_t epoch, bool is_trained = false);

/// True if the last whole line that is a JSON object says that the run was completed after `steps`
/// steps.
[[nodiscard]] bool says_completed(const std::filesystem::path& path, std::int64_t steps);

}  // namespace lockstep::metrics

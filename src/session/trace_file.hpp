// Where --trace may write.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include <lockstep/train/options.hpp>

namespace lockstep::session {

/// Called at the start of a run, so that a problem with `trace`, the value of --trace, is not found
/// only at its end. `run_folder` is that of the run, which need not exist yet; empty: runs/<time>.
/// Throws UsageError for a folder, a file whose folder does not exist or one that the run itself
/// writes, RuntimeFailure if permission is lacking. Does nothing if `trace` is empty.
void require_usable_trace(const std::string& trace, const std::filesystem::path& run_folder);

/// Why a run from after step `steps_before` to `total_steps` will have nothing to show in the
/// trace; empty if it will, or if no trace is wanted.
[[nodiscard]] std::string why_no_trace(const train::OutputOptions& options,
                                       std::int64_t steps_before, std::int64_t total_steps);

}  // namespace lockstep::session

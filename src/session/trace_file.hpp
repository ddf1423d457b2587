// Where --trace may write.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include <lockstep/train/options.hpp>

namespace lockstep::session {

/// For the start of a run, so that what is wrong with `trace`, the value of --trace, is not found
/// at its end. `run_folder` is that of the run, which need not be there yet; empty: runs/<time>.
/// Throws UsageError for a folder, a file in no folder or one that the run itself writes,
/// RuntimeFailure if permission is lacking. An empty `trace`: nothing to do.
void require_usable_trace(const std::string& trace, const std::filesystem::path& run_folder);

/// Why a run that goes from behind step `steps_before` to `total_steps` will have nothing to show
/// in the trace; empty: it will, or none is wanted.
[[nodiscard]] std::string why_no_trace(const train::OutputOptions& options,
                                       std::int64_t steps_before, std::int64_t total_steps);

}  // namespace lockstep::session

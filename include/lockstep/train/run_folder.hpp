// The folder that a run leaves behind. Only rank 0 touches it.
#pragma once

#include <filesystem>
#include <string>

namespace lockstep::train {

/// Makes the folder of a new run and returns its path: `wanted`, or runs/<UTC time>-<n> if that is
/// empty. Throws UsageError if it holds a run already, RuntimeFailure if it cannot be made or
/// written to.
[[nodiscard]] std::filesystem::path create_run_folder(const std::string& wanted);

}  // namespace lockstep::train

// Mistakes of usage that are found before MPI is started, which may be what is broken.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <lockstep/app/job.hpp>
#include <lockstep/base/error.hpp>

namespace lockstep::app {

/// Checks the options of `command` ("bench step") as far as this process can: all of them where
/// they count for everybody and its end is everybody's, and returns them then; else those that all
/// ranks have in common. Throws UsageError.
[[nodiscard]] std::optional<GivenOptions> check_options_before_mpi(
    const std::string& command, const std::vector<std::string>& arguments);

/// For a mistake that all processes of the job have found: the first one of them prints it. Returns
/// the exit code, after some waiting in the others: most launchers end all when one ends.
[[nodiscard]] int end_before_mpi(const UsageError& error);

/// All commands' option names.
[[nodiscard]] std::vector<std::string> names_of_all_commands();

}  // namespace lockstep::app

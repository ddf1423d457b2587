// Usage errors that are found before MPI is started, which may be what is broken.
#pragma once

#include <optional>

#include <lockstep/base/error.hpp>
#include <lockstep/session/command.hpp>

namespace lockstep::session {

/// What this process was given, with the options that follow from it. Throws UsageError.
[[nodiscard]] GivenOptions complete_options(const Command& command, const Arguments& arguments);

/// Checks the options of `command` as far as this process can. If its options count for all
/// processes and its end would end all, checks all of them and returns them; otherwise checks those
/// that all ranks have in common. Throws UsageError.
[[nodiscard]] std::optional<GivenOptions> check_options_before_mpi(const Command& command,
                                                                   const Arguments& arguments);

/// For a mistake that all processes of the job have found: the first one prints it. Returns the
/// exit code, after a wait in the others: most launchers end all when one ends.
[[nodiscard]] int end_before_mpi(const UsageError& error);

}  // namespace lockstep::session

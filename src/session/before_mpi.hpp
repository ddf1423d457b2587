// Mistakes of usage that are found before MPI is started, which may be what is broken.
#pragma once

#include <optional>

#include <lockstep/base/error.hpp>
#include <lockstep/session/command.hpp>

namespace lockstep::session {

/// What this process was told, with the options that follow from it. Throws UsageError.
[[nodiscard]] GivenOptions complete_options(const Command& command, const Arguments& arguments);

/// Checks the options of `command` as far as this process can: all of them where they count for
/// everybody and its end is everybody's, and returns them then; else those that all ranks have in
/// common. Throws UsageError.
[[nodiscard]] std::optional<GivenOptions> check_options_before_mpi(const Command& command,
                                                                   const Arguments& arguments);

/// For a mistake that all processes of the job have found: the first one of them prints it. Returns
/// the exit code, after some waiting in the others: most launchers end all when one ends.
[[nodiscard]] int end_before_mpi(const UsageError& error);

}  // namespace lockstep::session

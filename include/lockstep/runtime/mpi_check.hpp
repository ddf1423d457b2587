// MPI return codes turned into errors.
#pragma once

#include <string_view>

namespace lockstep::runtime {

/// Throws RuntimeFailure with `operation` and MPI's own text if `code` is not MPI_SUCCESS.
/// Return codes rather than an MPI error handler that throws: an exception must not unwind through
/// MPI's C frames, which would leave its locks held. Any thread.
void check_mpi(int code, std::string_view operation);

}  // namespace lockstep::runtime

// MPI return codes turned into errors.
#pragma once

#include <string_view>

#include <lockstep/base/error.hpp>

namespace lockstep::runtime {

/// Throws RuntimeFailure with `operation`, MPI's own text and `settings` if `code` is not
/// MPI_SUCCESS. MPI returns codes, rather than calling an error handler that throws, since an
/// exception must not unwind through MPI's C frames: that would leave its locks held. Any thread.
void check_mpi(int code, std::string_view operation, const Settings& settings = {});

}  // namespace lockstep::runtime

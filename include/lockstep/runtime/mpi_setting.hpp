// Settings of the MPI library, wherever they come from: environment, files, command line.
#pragma once

#include <string>

namespace lockstep::runtime {

/// The value of the MPI library's control variable `name`, as text; empty if there is no such
/// variable or it is not text. Call between MPI_Init and MPI_Finalize, from one thread at a time.
/// Source: the tool information interface of the MPI standard (MPI_T_cvar_read).
[[nodiscard]] std::string mpi_setting(const char* name);

}  // namespace lockstep::runtime

// What the MPI library is told to do, wherever that was said: environment, files, command line.
#pragma once

#include <string>

namespace lockstep::runtime {

/// The value of the MPI library's control variable `name`, as text; empty where it has no such
/// variable, or one that is not text. Between MPI_Init and MPI_Finalize; one thread at a time.
/// Source: the tool information interface of the MPI standard (MPI_T_cvar_read).
[[nodiscard]] std::string mpi_setting(const char* name);

}  // namespace lockstep::runtime

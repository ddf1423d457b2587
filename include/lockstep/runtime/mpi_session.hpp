// The process's one MPI session: initialised, finalised and aborted here.
#pragma once

#include <string>

#include <lockstep/base/error.hpp>

namespace lockstep::runtime {

/// Initialises MPI on construction and finalises it on destruction; make exactly one, in `main`'s
/// thread, before anything else uses MPI. Also works without a launcher (one rank). From then on,
/// MPI reports errors as return codes, which every call site checks. Throws RuntimeFailure if MPI
/// cannot give MPI_THREAD_MULTIPLE.
/// Source: MPI 3.1 standard, sections 8.7 and 12.4.
class MpiSession {
 public:
  MpiSession();
  ~MpiSession();
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;
  MpiSession(MpiSession&&) = delete;
  MpiSession& operator=(MpiSession&&) = delete;

  /// Ends every rank of the job now; any thread may call it. Never returns.
  [[noreturn]] void abort(ExitCode code) const noexcept;
};

/// "Open MPI v4.1.4", "MPI 3.1": the version of the header that Lockstep was compiled with.
[[nodiscard]] std::string mpi_compiled_version();

/// "Open MPI v4.1.4": the loaded MPI library, one line. Callable before a session exists.
[[nodiscard]] std::string mpi_library_version();

/// The folder in which the MPI library keeps the files behind memory that a node's ranks share;
/// /dev/shm if it does not say. Needs a session. Never fails.
[[nodiscard]] std::string shared_memory_folder();

}  // namespace lockstep::runtime

#include <unistd.h>

#include <array>
#include <cstdlib>
#include <string_view>

#include <fmt/format.h>
#include <mpi.h>

#include <lockstep/runtime/mpi_check.hpp>
#include <lockstep/runtime/mpi_session.hpp>
#include <lockstep/runtime/stop_request.hpp>

namespace lockstep::runtime {

MpiSession::MpiSession() {
  int provided = MPI_THREAD_SINGLE;
  check_mpi(MPI_Init_thread(nullptr, nullptr, MPI_THREAD_MULTIPLE, &provided), "MPI_Init_thread");
  check_mpi(MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
  if (provided < MPI_THREAD_MULTIPLE) {
    throw RuntimeFailure(
        "this MPI library does not provide MPI_THREAD_MULTIPLE: use one built with thread support");
  }
}

MpiSession::~MpiSession() {
  MPI_Finalize();
}

void MpiSession::abort(ExitCode code) const noexcept {
  // The launcher ends ranks with SIGTERM, and kills those that have not ended a second later.
  end_by_signals();
  // Do not wait for a launcher that can no longer be reached.
  constexpr unsigned kLongestAbortSeconds = 5;
  ::alarm(kLongestAbortSeconds);
  MPI_Abort(MPI_COMM_WORLD, static_cast<int>(code));
  std::_Exit(static_cast<int>(code));
}

std::string mpi_compiled_version() {
#if defined(OMPI_MAJOR_VERSION)
  return fmt::format("Open MPI v{}.{}.{}", OMPI_MAJOR_VERSION, OMPI_MINOR_VERSION,
                     OMPI_RELEASE_VERSION);
#else
  return fmt::format("MPI {}.{}", MPI_VERSION, MPI_SUBVERSION);
#endif
}

std::string mpi_library_version() {
  std::array<char, MPI_MAX_LIBRARY_VERSION_STRING> text{};
  int length = 0;
  MPI_Get_library_version(text.data(), &length);
  const std::string_view all(text.data());
  return std::string(all.substr(0, all.find_first_of(",\n")));
}

}  // namespace lockstep::runtime

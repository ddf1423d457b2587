#include <array>

#include <fmt/format.h>
#include <mpi.h>

#include <lockstep/runtime/mpi_check.hpp>

namespace lockstep::runtime {

void check_mpi(int code, std::string_view operation, const Settings& settings) {
  if (code == MPI_SUCCESS) return;
  std::array<char, MPI_MAX_ERROR_STRING> text{};
  int length = 0;
  MPI_Error_string(code, text.data(), &length);
  throw RuntimeFailure(fmt::format("{} failed: {}", operation, text.data()), settings);
}

}  // namespace lockstep::runtime

#include <array>
#include <system_error>

#include <lockstep/runtime/mpi_transports.hpp>

namespace lockstep::runtime {

bool has_fabric_adapter(const std::filesystem::path& classes) {
  constexpr std::array kClasses = {"infiniband", "cxi"};
  for (const char* name : kClasses) {
    std::error_code absent;
    const bool empty = std::filesystem::is_empty(classes / name, absent);
    if (!absent && !empty) return true;
  }
  return false;
}

}  // namespace lockstep::runtime

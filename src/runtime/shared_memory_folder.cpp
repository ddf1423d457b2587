#include <lockstep/runtime/mpi_session.hpp>
#include <lockstep/runtime/mpi_setting.hpp>

namespace lockstep::runtime {

std::string shared_memory_folder() {
  // The setting belongs to Open MPI's component for shared-memory windows.
  const auto folder = mpi_setting("osc_sm_backing_directory");
  return folder.empty() ? "/dev/shm" : folder;
}

}  // namespace lockstep::runtime

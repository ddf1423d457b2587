#include <fmt/format.h>
#include <torch/version.h>

#include <lockstep/app/version_text.hpp>
#include <lockstep/base/version.hpp>
#include <lockstep/runtime/mpi_session.hpp>

namespace lockstep::app {

std::string version_text() {
  return fmt::format("lockstep {} ({})\n{}\nLibTorch {}{}\n", version(), git_revision(),
                     runtime::mpi_library_version(), TORCH_VERSION,
                     LOCKSTEP_WITH_CUDA ? " with CUDA" : ", CPU only");
}

}  // namespace lockstep::app

#include <fmt/format.h>
#include <torch/version.h>

#include <lockstep/base/version.hpp>
#include <lockstep/comm/nccl_api.hpp>
#include <lockstep/runtime/blas_kernels.hpp>
#include <lockstep/runtime/mpi_session.hpp>
#include <lockstep/session/version_text.hpp>

namespace lockstep::session {

namespace {

/// Empty in a build without NCCL.
std::string nccl_line() {
  const auto nccl = comm::make_nccl_api();
  if (nccl == nullptr) return {};
  int loaded = 0;
  if (nccl->loaded_version(&loaded) != comm::kNcclSuccess) loaded = 0;
  return fmt::format("NCCL {} (built with {})\n", comm::nccl_version_text(loaded),
                     comm::nccl_version_text(nccl->compiled_version()));
}

std::string blas_line() {
  const auto kernels = runtime::openblas_core_in_use();
  return kernels.empty() ? "" : fmt::format("OpenBLAS with {} kernels\n", kernels);
}

}  // namespace

std::string version_text() {
  return fmt::format("lockstep {} ({})\n{}\nLibTorch {}{}\n{}{}{}, compiler {}\n", version(),
                     git_revision(), runtime::mpi_library_version(), TORCH_VERSION,
                     LOCKSTEP_WITH_CUDA ? " with CUDA" : ", CPU only", nccl_line(), blas_line(),
                     library_versions(), __VERSION__);
}

}  // namespace lockstep::session

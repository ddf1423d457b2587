// Stands in for a GPU's stream in a build without CUDA.
#include <lockstep/session/compute.hpp>

namespace lockstep::session {

std::unique_ptr<runtime::CudaStream> compute_on_gpu(int /*device*/,
                                                    std::chrono::duration<double> /*timeout*/) {
  return nullptr;
}

}  // namespace lockstep::session

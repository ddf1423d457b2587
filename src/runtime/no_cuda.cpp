// Stands in for the CUDA runtime in a build without it.
#include <lockstep/runtime/cuda_api.hpp>
#include <lockstep/runtime/cuda_devices.hpp>

namespace lockstep::runtime {

std::unique_ptr<CudaApi> make_cuda_api() {
  return nullptr;
}

CudaSystem query_cuda_system() {
  return {.trouble = "this build of Lockstep has no CUDA"};
}

}  // namespace lockstep::runtime

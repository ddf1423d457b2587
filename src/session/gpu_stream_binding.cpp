#include <c10/cuda/CUDAStream.h>

#include <lockstep/session/compute.hpp>

namespace lockstep::session {

std::unique_ptr<runtime::CudaStream> compute_on_gpu(int device,
                                                    std::chrono::duration<double> timeout) {
  auto stream = std::make_unique<runtime::CudaStream>(runtime::make_cuda_api(), device, timeout);
  c10::cuda::setCurrentCUDAStream(
      c10::cuda::getStreamFromExternal(stream->handle(), static_cast<c10::DeviceIndex>(device)));
  return stream;
}

}  // namespace lockstep::session

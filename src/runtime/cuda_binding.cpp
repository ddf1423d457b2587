// The interface of CUDA's calls, bound to the real library. Plain forwarding: only a GPU can show
// what might be wrong here.
#include <cuda_runtime.h>

#include <lockstep/runtime/cuda_api.hpp>

#include "cuda_add.hpp"

namespace lockstep::runtime {
namespace {

static_assert(cudaSuccess == kCudaSuccess && cudaErrorNotReady == kCudaNotReady &&
              cudaErrorMemoryAllocation == kCudaOutOfMemory);

/// "Not ready" is not an error, and LibTorch must not find it after its next kernel.
int forget_not_ready(cudaError_t code) {
  if (code == cudaErrorNotReady) (void)cudaGetLastError();
  return code;
}

class BoundCuda final : public CudaApi {
 public:
  int set_device(int index) override { return cudaSetDevice(index); }
  [[nodiscard]] std::string error_text(int code) const override {
    return cudaGetErrorString(static_cast<cudaError_t>(code));
  }

  int stream_create(CudaStreamHandle* stream, StreamPriority priority) override {
    int least = 0;
    int greatest = 0;
    const auto code = cudaDeviceGetStreamPriorityRange(&least, &greatest);
    if (code != cudaSuccess) return code;
    return cudaStreamCreateWithPriority(stream, cudaStreamNonBlocking,
                                        priority == StreamPriority::kGreatest ? greatest : least);
  }
  int stream_destroy(CudaStreamHandle stream) override { return cudaStreamDestroy(stream); }
  int stream_query(CudaStreamHandle stream, CallSite /*site*/) override {
    return forget_not_ready(cudaStreamQuery(stream));
  }
  int stream_wait_event(CudaStreamHandle stream, CudaEventHandle event,
                        CallSite /*site*/) override {
    return cudaStreamWaitEvent(stream, event, 0);
  }

  int event_create(CudaEventHandle* event) override {
    return cudaEventCreateWithFlags(event, cudaEventDisableTiming);
  }
  int event_destroy(CudaEventHandle event) override { return cudaEventDestroy(event); }
  int event_record(CudaEventHandle event, CudaStreamHandle stream, CallSite /*site*/) override {
    return cudaEventRecord(event, stream);
  }
  int event_query(CudaEventHandle event, CallSite /*site*/) override {
    return forget_not_ready(cudaEventQuery(event));
  }

  int allocate(void** memory, std::size_t bytes) override {
    const auto code = cudaMalloc(memory, bytes);
    if (code != cudaSuccess) return code;
    const auto zeroed = cudaMemset(*memory, 0, bytes);
    return zeroed == cudaSuccess ? cudaDeviceSynchronize() : zeroed;
  }
  int free(void* memory) override { return cudaFree(memory); }
  int allocate_pinned(void** memory, std::size_t bytes) override {
    return cudaHostAlloc(memory, bytes, cudaHostAllocDefault);
  }
  int free_pinned(void* memory) override { return cudaFreeHost(memory); }
  int copy_async(void* destination, const void* source, std::size_t bytes,
                 CudaStreamHandle stream) override {
    return cudaMemcpyAsync(destination, source, bytes, cudaMemcpyDefault, stream);
  }
  int add_async(float* sum, const float* values, std::size_t count,
                CudaStreamHandle stream) override {
    return launch_cuda_add(sum, values, count, stream);
  }

  void access(CudaStreamHandle /*stream*/, std::initializer_list<MemoryRange> /*reads*/,
              std::initializer_list<MemoryRange> /*writes*/) override {}
};

}  // namespace

std::unique_ptr<CudaApi> make_cuda_api() {
  return std::make_unique<BoundCuda>();
}

}  // namespace lockstep::runtime

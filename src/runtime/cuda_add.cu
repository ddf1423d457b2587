#include "cuda_add.hpp"

namespace lockstep::runtime {
namespace {

constexpr unsigned kThreads = 256;
constexpr std::size_t kMaxBlocks = 1024;  // beyond this, each thread takes several elements

__global__ void add(float* sum, const float* values, std::size_t count) {
  const std::size_t stride = std::size_t{gridDim.x} * blockDim.x;
  for (std::size_t i = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += stride) {
    sum[i] += values[i];
  }
}

}  // namespace

cudaError_t launch_cuda_add(float* sum, const float* values, std::size_t count,
                            cudaStream_t stream) {
  if (count == 0) return cudaSuccess;
  const std::size_t wanted = (count + kThreads - 1) / kThreads;
  const auto blocks = static_cast<unsigned>(wanted < kMaxBlocks ? wanted : kMaxBlocks);
  add<<<blocks, kThreads, 0, stream>>>(sum, values, count);
  return cudaGetLastError();
}

}  // namespace lockstep::runtime

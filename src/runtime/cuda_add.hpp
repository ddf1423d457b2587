// Lockstep's one kernel.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>

namespace lockstep::runtime {

/// sum[i] += values[i] for `count` floats of the current device, in the order of `stream`. Each
/// element is rounded once, as on the CPU.
cudaError_t launch_cuda_add(float* sum, const float* values, std::size_t count,
                            cudaStream_t stream);

}  // namespace lockstep::runtime

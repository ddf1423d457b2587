// How exactly matrix products are computed.
#pragma once

#include <cstdint>

namespace lockstep::model {

/// Parameters, gradients, sums over ranks, the loss and the optimizer are float32 in all of them.
enum class Precision : std::uint8_t {
  kFp32,  ///< products of float32
  kTf32,  ///< products of float32 rounded to 10 bits of mantissa, on GPUs that have them
  kBf16   ///< layers in bfloat16, as under autocast
};

/// Lets LibTorch's products on GPUs round to TF32, or not; for the whole process.
void allow_tf32(bool allow);

}  // namespace lockstep::model

// The precision of matrix products.
#pragma once

#include <cstdint>

namespace lockstep::model {

/// Parameters, gradients, sums over ranks, the loss and the optimizer are float32 in all of these.
enum class Precision : std::uint8_t {
  kFp32,  ///< products of float32
  kTf32,  ///< products of float32 rounded to 10 bits of mantissa, on GPUs that support it
  kBf16   ///< layers in bfloat16, as under autocast
};

/// Allows or forbids LibTorch's products on GPUs to round to TF32, for the whole process.
void allow_tf32(bool allow);

}  // namespace lockstep::model

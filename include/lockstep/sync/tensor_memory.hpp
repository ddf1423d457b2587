// Where a tensor lies, for communicators and for the race check.
#pragma once

#include <cstddef>
#include <span>

#include <torch/torch.h>

#include <lockstep/runtime/compute_stream.hpp>

namespace lockstep::sync {

/// The memory of a contiguous tensor, on its device.
[[nodiscard]] inline runtime::MemoryRange memory_of(const torch::Tensor& tensor) {
  return {static_cast<const std::byte*>(tensor.data_ptr()), tensor.nbytes()};
}

/// The elements of a contiguous float32 tensor, on its device.
[[nodiscard]] inline std::span<float> floats_of(const torch::Tensor& tensor) {
  return {tensor.data_ptr<float>(), static_cast<std::size_t>(tensor.numel())};
}

}  // namespace lockstep::sync

// Memory for collectives that need nothing special.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <vector>

namespace lockstep::comm {

/// Hands out zeroed floats on 64-byte boundaries and keeps them until it is destroyed.
class HostBuffers {
 public:
  [[nodiscard]] std::span<float> allocate(std::size_t elements) {
    constexpr std::size_t kAlignmentBytes = 64;
    const auto bytes = (elements * sizeof(float) / kAlignmentBytes + 1) * kAlignmentBytes;
    void* const memory = std::aligned_alloc(kAlignmentBytes, bytes);
    if (memory == nullptr) throw std::bad_alloc();
    buffers_.emplace_back(static_cast<float*>(std::memset(memory, 0, bytes)));
    return {buffers_.back().get(), elements};
  }

 private:
  struct Free {
    void operator()(float* memory) const noexcept { std::free(memory); }
  };
  std::vector<std::unique_ptr<float, Free>> buffers_;
};

}  // namespace lockstep::comm

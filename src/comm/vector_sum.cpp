#include "vector_sum.hpp"

#include <array>
#include <cstring>

// One version for each generation of processors, chosen when the program is loaded; before the
// sanitizers are ready, so not with them.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define LOCKSTEP_FOR_EACH_CPU __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define LOCKSTEP_FOR_EACH_CPU
#endif

namespace lockstep::comm {
namespace {

LOCKSTEP_FOR_EACH_CPU void add(float* __restrict__ sum, const float* __restrict__ values,
                               std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) sum[i] += values[i];
}

class Tree {
 public:
  Tree(std::size_t count, const std::function<std::span<const float>(std::size_t)>& addend)
      : count_(count), addend_(addend) {}

  /// The subtree of addends first, first + stride, first + 2 stride …
  void sum(std::span<float> result, std::size_t first, std::size_t stride) const {
    if (is_leaf(first, stride)) {
      std::memcpy(result.data(), addend_(first).data(), result.size_bytes());
      return;
    }
    sum(result, first, 2 * stride);
    if (is_leaf(first + stride, 2 * stride)) {
      add(result.data(), addend_(first + stride).data(), result.size());
      return;
    }
    std::array<float, kSumBlockElements> block;  // written before it is read
    const auto other = std::span(block).first(result.size());
    sum(other, first + stride, 2 * stride);
    add(result.data(), other.data(), result.size());
  }

 private:
  [[nodiscard]] bool is_leaf(std::size_t first, std::size_t stride) const {
    return first + stride >= count_;
  }

  std::size_t count_;
  const std::function<std::span<const float>(std::size_t)>& addend_;
};

}  // namespace

void add_to(std::span<float> sum, std::span<const float> values) {
  add(sum.data(), values.data(), sum.size());
}

void sum_by_tree(std::span<float> sum, std::size_t count,
                 const std::function<std::span<const float>(std::size_t)>& addend) {
  Tree(count, addend).sum(sum, 0, 1);
}

}  // namespace lockstep::comm

#include "vector_sum.hpp"

#include <algorithm>
#include <array>
#include <cstring>

// One version for each generation of processors, chosen when the program is loaded. That is before
// the sanitizers are ready, so not with them.
#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define LOCKSTEP_FOR_EACH_CPU __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define LOCKSTEP_FOR_EACH_CPU
#endif

namespace lockstep::comm {
namespace {

constexpr std::size_t kLineElements = 16;  // of a cache line
constexpr std::size_t kElementsAhead = 32 * kLineElements;
constexpr std::size_t kBlockElements = 512;  // 2 KiB: several stay in the first-level cache

using Block = std::array<float, kBlockElements>;

LOCKSTEP_FOR_EACH_CPU void add(float* __restrict__ sum, const float* __restrict__ values,
                               std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) sum[i] += values[i];
}

/// Prefetches the line that holds `address` for writing. Does nothing past the end.
void prefetch_for_writing(const float* address) {
  __builtin_prefetch(address, 1);
}

/// results[r][begin + i] = left[i] + right[i].
LOCKSTEP_FOR_EACH_CPU void add_pair(std::span<float* const> results, std::size_t begin,
                                    const float* left, const float* right, std::size_t count) {
  std::size_t i = 0;
  for (; i + kLineElements <= count; i += kLineElements) {
    std::array<float, kLineElements> line;  // written before it is read
    for (std::size_t k = 0; k < kLineElements; ++k) line[k] = left[i + k] + right[i + k];
    for (float* const result : results) {
      prefetch_for_writing(result + begin + i + kElementsAhead);
      std::memcpy(result + begin + i, line.data(), sizeof(line));
    }
  }
  for (; i < count; ++i) {
    const float sum = left[i] + right[i];
    for (float* const result : results) result[begin + i] = sum;
  }
}

/// One block's part of the tree of addends.
class Tree {
 public:
  Tree(std::span<const float* const> addends, std::size_t begin, std::size_t count)
      : addends_(addends), begin_(begin), count_(count) {}

  /// The sum of the subtree of addends first, first + stride, first + 2 stride …
  void sum(std::span<float* const> results, std::size_t result_begin, std::size_t first,
           std::size_t stride) const {
    Block left;  // written before they are read
    Block right;
    add_pair(results, result_begin, operand(first, 2 * stride, left),
             operand(first + stride, 2 * stride, right), count_);
  }

 private:
  /// The sum of a subtree: an addend itself, or in `block`.
  const float* operand(std::size_t first, std::size_t stride, Block& block) const {
    if (first + stride >= addends_.size()) return addends_[first] + begin_;
    float* const result = block.data();
    sum({&result, 1}, 0, first, stride);
    return result;
  }

  std::span<const float* const> addends_;
  std::size_t begin_;
  std::size_t count_;
};

}  // namespace

void add_to(std::span<float> sum, std::span<const float> values) {
  add(sum.data(), values.data(), sum.size());
}

void sum_by_tree(std::span<float* const> results, std::span<const float* const> addends,
                 std::size_t elements) {
  if (addends.size() == 1) {
    for (float* const result : results) {
      if (result != addends[0]) std::memcpy(result, addends[0], elements * sizeof(float));
    }
    return;
  }
  // Two addends need no room for sums of subtrees, and so no blocks.
  const auto step = addends.size() == 2 ? std::max(elements, std::size_t{1}) : kBlockElements;
  for (std::size_t begin = 0; begin < elements; begin += step) {
    Tree(addends, begin, std::min(step, elements - begin)).sum(results, begin, 0, 1);
  }
}

}  // namespace lockstep::comm

// Adding vectors in an order that never varies.
#pragma once

#include <cstddef>
#include <functional>
#include <span>

namespace lockstep::comm {

/// sum[i] += values[i] for all elements of `sum`; `values` may be longer.
void add_to(std::span<float> sum, std::span<const float> values);

/// The largest `sum` that sum_by_tree takes: 4 KiB, which stay in the first-level cache.
inline constexpr std::size_t kSumBlockElements = 1024;

/// sum[i] = Σ over `count` addends of addend(k)[i], added as a binary tree that pairs addends by
/// the highest bit of their index first: (0 + 2) + (1 + 3). Rounding errors grow with the tree's
/// depth only, and the order is that of a recursive halving over ranks. `count` is 1 to 2^31.
/// Source: N. Higham, "The accuracy of floating point summation", SIAM J. Sci. Comput. 14 (1993).
void sum_by_tree(std::span<float> sum, std::size_t count,
                 const std::function<std::span<const float>(std::size_t)>& addend);

}  // namespace lockstep::comm

// Adding vectors in an order that never changes.
#pragma once

#include <cstddef>
#include <span>

namespace lockstep::comm {

/// sum[i] += values[i] for all elements of `sum`; `values` may be longer.
void add_to(std::span<float> sum, std::span<const float> values);

/// results[r][i] = Σ over k of addends[k][i] for each r and each i < elements, added as a binary
/// tree that first pairs addends by the highest bit of their index: (0 + 2) + (1 + 3). Rounding
/// errors grow only with the tree's depth, and the order is that of a recursive halving over ranks.
/// A result may be an addend; otherwise arrays do not overlap. At least one of each.
///
/// Written for results that are in the caches of other cores: each sum is stored to all of them
/// while it is in a register, and their cache lines are prefetched some lines ahead.
/// Source: N. Higham, "The accuracy of floating point summation", SIAM J. Sci. Comput. 14 (1993).
void sum_by_tree(std::span<float* const> results, std::span<const float* const> addends,
                 std::size_t elements);

}  // namespace lockstep::comm

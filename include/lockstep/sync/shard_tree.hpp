// Sums over a rank's shards in one fixed order of addition.
#pragma once

#include <cstdint>
#include <vector>

#include <torch/torch.h>

#include <lockstep/runtime/compute_stream.hpp>
#include <lockstep/sync/bucket_plan.hpp>

namespace lockstep::sync {

/// The order in which a rank computes its `shards` shards (a power of two), as positions among
/// them: the positions with their bits reversed. In this order, their sums need no more memory than
/// the tree is deep.
[[nodiscard]] std::vector<std::int64_t> shard_order(std::int64_t shards);

/// Adds up the contents of a buffer over several shards as a binary tree that first pairs shards by
/// the highest bit of their number, as comm's sums over ranks do. With shard v on rank v mod ranks,
/// the two together are one tree over all shards, whatever the number of ranks. Since a + b = b + a
/// in IEEE 754 arithmetic, every rank gets the same bits.
///
/// For each shard but the last, in `shard_order`: fill the buffer, then `combine`. For the last:
/// fill it, then `add_combined` every part of it once. One thread at a time. Source: N. Higham,
/// "The accuracy of floating point summation", SIAM J. Sci. Comput. 14 (1993), pairwise summation.
class ShardTree {
 public:
  /// `buffer` [elements] float32, contiguous. Allocates ⌈log2 shards⌉ more buffers.
  ShardTree(torch::Tensor buffer, std::int64_t shards, runtime::ComputeStream& compute);

  /// Adds the buffer's contents. The buffer may be overwritten afterwards.
  void combine();
  /// Adds what has been combined in this step to elements [first, first + count) of the buffer.
  void add_combined(std::int64_t first, std::int64_t count);
  /// Forgets what has been combined.
  void clear() { shards_combined_ = 0; }

 private:
  [[nodiscard]] std::int64_t waiting() const;
  void add(const torch::Tensor& to, const torch::Tensor& from);

  torch::Tensor buffer_;
  runtime::ComputeStream& compute_;
  std::vector<torch::Tensor> subtrees_;  // sums that wait for their other half, the largest first
  std::int64_t shards_combined_ = 0;     // in this step; its bits show which subtrees wait
};

}  // namespace lockstep::sync

#include <bit>
#include <utility>

#include <lockstep/sync/shard_tree.hpp>
#include <lockstep/sync/tensor_memory.hpp>

namespace lockstep::sync {

std::vector<std::int64_t> shard_order(std::int64_t shards) {
  std::vector<std::int64_t> order = {0};
  // Each round appends to every half its counterpart: 0 | 0 1 | 0 2 1 3 | 0 4 2 6 1 5 3 7.
  for (std::int64_t size = 1; size < shards; size *= 2) {
    std::vector<std::int64_t> twice;
    for (const std::int64_t position : order) twice.push_back(2 * position);
    for (const std::int64_t position : order) twice.push_back(2 * position + 1);
    order = std::move(twice);
  }
  return order;
}

ShardTree::ShardTree(torch::Tensor buffer, std::int64_t shards, runtime::ComputeStream& compute)
    : buffer_(std::move(buffer)), compute_(compute) {
  for (std::int64_t size = 1; size < shards; size *= 2) {
    subtrees_.push_back(torch::empty_like(buffer_));
  }
}

std::int64_t ShardTree::waiting() const {
  return std::popcount(static_cast<std::uint64_t>(shards_combined_));
}

void ShardTree::add(const torch::Tensor& to, const torch::Tensor& from) {
  compute_.access({memory_of(from), memory_of(to)}, {memory_of(to)});
  torch::Tensor(to).add_(from);
}

void ShardTree::combine() {
  const torch::NoGradGuard no_gradients;
  // As in binary counting: each trailing one is a subtree of the size that has just been completed.
  const auto ended = std::countr_one(static_cast<std::uint64_t>(shards_combined_));
  auto top = static_cast<std::size_t>(waiting());
  if (ended == 0) {
    compute_.access({memory_of(buffer_)}, {memory_of(subtrees_[top])});
    subtrees_[top].copy_(buffer_);
  } else {
    add(subtrees_[--top], buffer_);
    for (int i = 1; i < ended; ++i, --top) add(subtrees_[top - 1], subtrees_[top]);
  }
  ++shards_combined_;
}

void ShardTree::add_combined(std::int64_t first, std::int64_t count) {
  const torch::NoGradGuard no_gradients;
  const auto part = buffer_.narrow(0, first, count);
  for (auto top = static_cast<std::size_t>(waiting()); top-- > 0;) {
    add(part, subtrees_[top].narrow(0, first, count));
  }
}

}  // namespace lockstep::sync

// Memory that all ranks of a node share: one copy of the data set per node, not per rank.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include <lockstep/runtime/rank_layout.hpp>

namespace lockstep::runtime {

/// A block of memory (contents undefined, aligned to 64 bytes), allocated once per node and mapped
/// by each of its ranks.
///
/// Construction is collective over all ranks of the job, with equal sizes on all ranks of a node;
/// `synchronize` and destruction are collective over the node's ranks. The others see a rank's
/// writes after the next `synchronize`. Writers must not overlap. Throws RuntimeFailure with the
/// size and the remedy when shared memory runs out.
/// Source: MPI 3.1, MPI_Win_allocate_shared.
class NodeMemory {
 public:
  NodeMemory(std::size_t bytes, const RankLayout& layout);
  ~NodeMemory();
  NodeMemory(NodeMemory&&) noexcept;
  NodeMemory& operator=(NodeMemory&&) noexcept;
  NodeMemory(const NodeMemory&) = delete;
  NodeMemory& operator=(const NodeMemory&) = delete;

  [[nodiscard]] std::span<std::byte> bytes() const noexcept;
  void synchronize();

 private:
  struct Window;
  std::unique_ptr<Window> window_;
};

}  // namespace lockstep::runtime

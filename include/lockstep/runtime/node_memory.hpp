// Memory that all ranks of a node share: one copy of the data set a node, not one a rank.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

namespace lockstep::runtime {

/// A block of memory (contents undefined), allocated once a node and mapped by each of its ranks.
///
/// Construction, `synchronize` and destruction are collective over the node's ranks. A rank's
/// writes are seen by the others after the next `synchronize`. Writers must not overlap.
/// Throws RuntimeFailure with the size and the remedy when shared memory runs out.
/// Source: MPI 3.1, MPI_Win_allocate_shared.
class NodeMemory {
 public:
  explicit NodeMemory(std::size_t bytes);
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

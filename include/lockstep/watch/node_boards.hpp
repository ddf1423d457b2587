// The progress boards of a node's ranks, side by side.
#pragma once

#include <memory>
#include <optional>

#include <lockstep/runtime/node_memory.hpp>
#include <lockstep/runtime/rank_layout.hpp>
#include <lockstep/watch/progress_board.hpp>

namespace lockstep::watch {

/// Each rank writes its own board. They lie in memory that the node's ranks share, so that what a
/// stopped or killed rank was at can be read by its neighbours.
class NodeBoards {
 public:
  /// Collective over all ranks of the job; destruction is over the node's.
  explicit NodeBoards(const runtime::RankLayout& layout);

  [[nodiscard]] ProgressBoard& mine() const noexcept { return boards_[self_]; }
  [[nodiscard]] const ProgressBoard& of(int local_rank) const noexcept {
    return boards_[static_cast<std::size_t>(local_rank)];
  }

 private:
  std::optional<runtime::NodeMemory> memory_;
  std::unique_ptr<ProgressBoard> alone_;  // in a job of one rank, which needs none of MPI's
  ProgressBoard* boards_;
  std::size_t self_;
};

}  // namespace lockstep::watch

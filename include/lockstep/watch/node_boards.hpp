// The progress boards of a node's ranks, side by side.
#pragma once

#include <memory>
#include <optional>

#include <lockstep/runtime/node_memory.hpp>
#include <lockstep/runtime/rank_layout.hpp>
#include <lockstep/watch/progress_board.hpp>

namespace lockstep::watch {

/// Each rank writes its own board. The boards lie in memory that the node's ranks share, so that
/// neighbours can read what a stopped or killed rank was doing.
class NodeBoards {
 public:
  /// Collective over all ranks of the job; destruction is collective over the node's ranks.
  explicit NodeBoards(const runtime::RankLayout& layout);

  [[nodiscard]] ProgressBoard& mine() const noexcept { return boards_[self_]; }
  [[nodiscard]] const ProgressBoard& of(int local_rank) const noexcept {
    return boards_[static_cast<std::size_t>(local_rank)];
  }

 private:
  std::optional<runtime::NodeMemory> memory_;
  std::unique_ptr<ProgressBoard> alone_;  // for a job of one rank, which needs no MPI
  ProgressBoard* boards_;
  std::size_t self_;
};

}  // namespace lockstep::watch

#include <new>

#include <lockstep/watch/node_boards.hpp>

namespace lockstep::watch {

NodeBoards::NodeBoards(const runtime::RankLayout& layout)
    : boards_(nullptr), self_(static_cast<std::size_t>(layout.local_rank)) {
  if (layout.world_size == 1) {
    alone_ = std::make_unique<ProgressBoard>();
    boards_ = alone_.get();
    return;
  }
  memory_.emplace(static_cast<std::size_t>(layout.local_size) * sizeof(ProgressBoard), layout);
  auto* const first = memory_->bytes().data();
  new (first + self_ * sizeof(ProgressBoard)) ProgressBoard;
  memory_->synchronize();
  boards_ = std::launder(reinterpret_cast<ProgressBoard*>(first));
}

}  // namespace lockstep::watch

// Work of one rank that may take longer than others would wait.
#pragma once

#include <functional>

#include <lockstep/watch/progress_board.hpp>

namespace lockstep::watch {

/// Runs `work` in a thread of its own and returns when it has ended; throws what it throws. As long
/// as that thread uses processor time, the board shows again and again that the rank is in
/// Phase::kLoading, so that the ranks that wait for it do not take it for stuck; afterwards it
/// shows Phase::kSetUp. Without a board, just calls `work`.
void work_long(ProgressBoard* board, const std::function<void()>& work);

}  // namespace lockstep::watch

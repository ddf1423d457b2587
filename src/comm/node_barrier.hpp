// Waiting for the other ranks of a node, through memory that they share.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include <lockstep/runtime/node_memory.hpp>
#include <lockstep/runtime/rank_layout.hpp>

namespace lockstep::comm {

/// A barrier of the node's ranks. Each counts its arrivals in its own cache line, so a missing rank
/// can be named.
///
/// A wait spins for some microseconds, unless there are more ranks than cores, then yields the core
/// between two looks. One thread per rank.
class NodeBarrier {
 public:
  /// Collective over all ranks of the job.
  explicit NodeBarrier(const runtime::RankLayout& layout);

  /// Returns when all of the node's ranks have called it as often as this one; what they wrote to
  /// shared memory before is then visible. After `timeout` it gives up and returns the local ranks
  /// that have not arrived (otherwise none); the barrier cannot be used afterwards. Calls `idle`
  /// now and then while waiting.
  [[nodiscard]] std::vector<int> arrive_and_wait(std::chrono::duration<double> timeout,
                                                 const std::function<void()>& idle);

 private:
  struct Arrivals;
  [[nodiscard]] bool all_arrived() const;

  runtime::NodeMemory memory_;
  std::span<Arrivals> arrivals_;  // by local rank
  std::size_t self_;
  int spins_;  // before yielding the core for the first time
  std::uint64_t round_ = 0;
};

}  // namespace lockstep::comm

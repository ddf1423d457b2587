#include "node_barrier.hpp"

#include <sched.h>

#include <algorithm>
#include <new>

#include <lockstep/runtime/cpu_binding.hpp>
#include <lockstep/runtime/wait_clock.hpp>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace lockstep::comm {
namespace {

constexpr std::size_t kCacheLineBytes = 64;
constexpr int kSpins = 4000;  // about 30 µs: for a rank that is only a little late
constexpr int kYieldsBetweenLooksAtTheClock = 64;

/// Spinning while the awaited rank needs this very core only holds it up.
int spins_for(int ranks_on_node) {
  const auto cores = runtime::read_cpu_topology().available.size();
  return static_cast<std::size_t>(ranks_on_node) <= cores ? kSpins : 0;
}

void pause_briefly() {
#if defined(__x86_64__)
  _mm_pause();
#endif
}

}  // namespace

struct alignas(kCacheLineBytes) NodeBarrier::Arrivals {
  std::atomic<std::uint64_t> count{0};
  static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "is shared between processes");
};

NodeBarrier::NodeBarrier(const runtime::RankLayout& layout)
    : memory_(static_cast<std::size_t>(layout.local_size) * sizeof(Arrivals), layout),
      self_(static_cast<std::size_t>(layout.local_rank)),
      spins_(spins_for(layout.local_size)) {
  auto* const first = memory_.bytes().data();
  new (first + self_ * sizeof(Arrivals)) Arrivals;
  memory_.synchronize();
  arrivals_ = {std::launder(reinterpret_cast<Arrivals*>(first)),
               static_cast<std::size_t>(layout.local_size)};
}

bool NodeBarrier::all_arrived() const {
  return std::all_of(arrivals_.begin(), arrivals_.end(), [this](const Arrivals& rank) {
    return rank.count.load(std::memory_order_acquire) >= round_;
  });
}

std::vector<int> NodeBarrier::arrive_and_wait(std::chrono::duration<double> timeout,
                                              const std::function<void()>& idle) {
  ++round_;
  arrivals_[self_].count.store(round_, std::memory_order_release);
  for (int i = 0; i < spins_; ++i) {
    if (all_arrived()) return {};
    pause_briefly();
  }
  runtime::WaitClock clock(timeout);
  while (!clock.expired()) {
    idle();
    for (int i = 0; i < kYieldsBetweenLooksAtTheClock; ++i) {
      if (all_arrived()) return {};
      ::sched_yield();
    }
  }
  std::vector<int> missing;
  for (std::size_t rank = 0; rank < arrivals_.size(); ++rank) {
    if (arrivals_[rank].count.load(std::memory_order_acquire) < round_) {
      missing.push_back(static_cast<int>(rank));
    }
  }
  return missing;
}

}  // namespace lockstep::comm

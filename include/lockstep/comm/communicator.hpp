// The one interface to collective communication between ranks.
#pragma once

#include <chrono>
#include <cstddef>
#include <future>
#include <span>
#include <vector>

#include <lockstep/base/error.hpp>
#include <lockstep/comm/operation.hpp>

namespace lockstep::comm {

/// When an operation ran, as the host saw it.
struct OperationTime {
  std::chrono::steady_clock::time_point begin{};
  double seconds = 0;
};

/// The completion handle of a collective operation. Move-only; wait exactly once.
class Completion {
 public:
  /// An operation that has already completed.
  explicit Completion(const OperationTime& time) : time_(time) {}
  explicit Completion(std::future<OperationTime> pending) : pending_(std::move(pending)) {}

  /// Waits until the operation's buffer may be read and written again: by the host or, on a GPU, by
  /// work put on its compute stream from then on. Returns when, and for how long, the operation
  /// kept the host in the communicator. Throws what the operation threw.
  OperationTime wait() {
    if (!pending_.valid()) return time_;
    const ObservedWait waiting(observer_, operation_);
    return pending_.get();
  }

  /// From now on, reports a wait to `observer`, which must outlive this, as one for `operation`.
  void observe_waits(OperationObserver& observer, const Operation& operation) noexcept {
    observer_ = &observer;
    operation_ = operation;
  }

 private:
  OperationTime time_;
  std::future<OperationTime> pending_;
  OperationObserver* observer_ = nullptr;
  Operation operation_;
};

/// Collective operations over all ranks of the job.
///
/// Every rank calls the same operations in the same order with the same sizes, from one thread.
/// Operations start in call order. A buffer belongs to the operation until its Completion has been
/// waited for. All ranks end up with the same bits. Failures throw RuntimeFailure.
class Communicator {
 public:
  Communicator() = default;
  virtual ~Communicator() = default;
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;
  Communicator(Communicator&&) = delete;
  Communicator& operator=(Communicator&&) = delete;

  [[nodiscard]] virtual int rank() const noexcept = 0;
  [[nodiscard]] virtual int size() const noexcept = 0;

  /// Allocates zeroed memory where the computation runs, aligned to 64 bytes, on which all_reduce
  /// works without a copy. It lives as long as the communicator. Collective, with the same size on
  /// every rank.
  [[nodiscard]] virtual std::span<float> allocate(std::size_t elements) = 0;

  /// Sets each element of `receive` to the sum over all ranks' `send`. Both have the same size and
  /// are either the same memory (in place) or do not overlap. They come from `allocate` on every
  /// rank, or on none.
  [[nodiscard]] virtual Completion all_reduce(std::span<const float> send,
                                              std::span<float> receive) = 0;
  /// The same for a few numbers, in place, in any memory.
  [[nodiscard]] virtual Completion all_reduce(std::span<double> buffer) = 0;
  /// Sets every rank's `buffer` to that of rank `root`.
  [[nodiscard]] virtual Completion broadcast(std::span<std::byte> buffer, int root) = 0;
  /// Fills `receive` with every rank's `send`, in rank order: size() times as many bytes.
  [[nodiscard]] virtual Completion all_gather(std::span<const std::byte> send,
                                              std::span<std::byte> receive) = 0;
  /// Returns when every rank has called it.
  virtual void barrier() = 0;

  /// Ends communication in an orderly way; only destruction may follow. Collective. Without it,
  /// destruction does so as well as it can, and reports no failure.
  virtual void close() {}

  /// True if an operation makes progress while the caller computes, so that starting it early pays
  /// off.
  [[nodiscard]] virtual bool overlaps() const noexcept = 0;
};

}  // namespace lockstep::comm

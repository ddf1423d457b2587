// The order in which a rank computes: at once on its CPU cores, or queued on a GPU.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <span>

namespace lockstep::runtime {

/// Memory that operations read or write, where the computation runs.
using MemoryRange = std::span<const std::byte>;

/// Copies a few floats from where the computation runs to the host, without making the host wait: a
/// first-in, first-out queue of copies. One thread; must not outlive its stream.
class ReadBack {
 public:
  ReadBack() = default;
  virtual ~ReadBack() = default;
  ReadBack(const ReadBack&) = delete;
  ReadBack& operator=(const ReadBack&) = delete;
  ReadBack(ReadBack&&) = delete;
  ReadBack& operator=(ReadBack&&) = delete;

  /// Copies `source` (as many floats as this was made for) once everything issued before has run.
  /// At most as many copies may wait as there are slots.
  virtual void start(std::span<const float> source) = 0;
  /// Returns the oldest copy that has not been taken, valid until the next `start`. Blocks until it
  /// has arrived. Throws RuntimeFailure if the stream fails or does not get there in time.
  [[nodiscard]] virtual std::span<const float> take() = 0;
};

/// Where a rank's operations run, in the order in which they are issued. One thread at a time.
class ComputeStream {
 public:
  ComputeStream() = default;
  virtual ~ComputeStream() = default;
  ComputeStream(const ComputeStream&) = delete;
  ComputeStream& operator=(const ComputeStream&) = delete;
  ComputeStream(ComputeStream&&) = delete;
  ComputeStream& operator=(ComputeStream&&) = delete;

  /// True if the host issues operations before earlier ones have run. Results should then be
  /// requested one step later, so that the stream never runs dry.
  [[nodiscard]] virtual bool runs_ahead() const noexcept = 0;

  /// Declares what the operations issued next read and write. It costs nothing and does nothing
  /// except in tests, where a simulated device finds accesses that nothing orders.
  virtual void access(std::initializer_list<MemoryRange> reads,
                      std::initializer_list<MemoryRange> writes) = 0;

  /// Makes a queue of copies of `elements` floats each, of which `slots` may be in flight.
  [[nodiscard]] virtual std::unique_ptr<ReadBack> make_read_back(std::size_t elements,
                                                                 std::size_t slots) = 0;
};

/// Computation by the calling thread: everything issued has already run.
class HostStream final : public ComputeStream {
 public:
  [[nodiscard]] bool runs_ahead() const noexcept override { return false; }
  void access(std::initializer_list<MemoryRange> /*reads*/,
              std::initializer_list<MemoryRange> /*writes*/) override {}
  [[nodiscard]] std::unique_ptr<ReadBack> make_read_back(std::size_t elements,
                                                         std::size_t slots) override;
};

}  // namespace lockstep::runtime

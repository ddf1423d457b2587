// The order in which a rank computes: at once on its CPU cores, or queued on a GPU.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <span>

namespace lockstep::runtime {

/// Memory that operations read or write, where the computation runs.
using MemoryRange = std::span<const std::byte>;

/// A few floats on their way from where the computation runs to the host, which need not wait for
/// them: a first-in, first-out queue of copies. One thread; must not outlive its stream.
class ReadBack {
 public:
  ReadBack() = default;
  virtual ~ReadBack() = default;
  ReadBack(const ReadBack&) = delete;
  ReadBack& operator=(const ReadBack&) = delete;
  ReadBack(ReadBack&&) = delete;
  ReadBack& operator=(ReadBack&&) = delete;

  /// Copies `source` (as many floats as this was made for) once everything issued before has run.
  /// No more copies may wait than this has slots.
  virtual void start(std::span<const float> source) = 0;
  /// The oldest copy that has not been taken, valid until the next `start`. Blocks until it has
  /// arrived. Throws RuntimeFailure when the stream fails, or does not get there in time.
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

  /// True if the host issues operations before earlier ones have run. Results should then be asked
  /// for a step later, so that the stream never runs dry.
  [[nodiscard]] virtual bool runs_ahead() const noexcept = 0;

  /// Says what the operations that the caller issues now read and write. Costs nothing, and does
  /// nothing but in tests, where a stand-in for the device finds accesses that nothing orders.
  virtual void access(std::initializer_list<MemoryRange> reads,
                      std::initializer_list<MemoryRange> writes) = 0;

  /// A queue of copies of `elements` floats each, of which `slots` may be under way.
  [[nodiscard]] virtual std::unique_ptr<ReadBack> make_read_back(std::size_t elements,
                                                                 std::size_t slots) = 0;
};

/// Computation by the calling thread: everything issued has run.
class HostStream final : public ComputeStream {
 public:
  [[nodiscard]] bool runs_ahead() const noexcept override { return false; }
  void access(std::initializer_list<MemoryRange> /*reads*/,
              std::initializer_list<MemoryRange> /*writes*/) override {}
  [[nodiscard]] std::unique_ptr<ReadBack> make_read_back(std::size_t elements,
                                                         std::size_t slots) override;
};

}  // namespace lockstep::runtime

// What a rank is doing: written by the rank, read by whoever watches it.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include <lockstep/comm/operation.hpp>

namespace lockstep::watch {

/// The part of its work that a rank is in.
enum class Phase : std::uint8_t {
  kSetUp,
  kLoading,  ///< reading data, which may take long: see work_long
  kData,
  kForward,
  kBackward,
  kOptimizer,
  kEvaluation,
  kCheckpoint,
  kEnding
};
/// "set-up", "data", "forward", …
[[nodiscard]] std::string_view phase_name(Phase phase);

using comm::Channel;
using comm::kChannels;
using comm::Operation;
using comm::OperationKind;

/// "control", "gradients", …
[[nodiscard]] std::string_view channel_name(Channel channel);

/// A snapshot of one channel of a board.
struct ChannelSnapshot {
  std::uint64_t entered = 0;  ///< operations that the rank has reached
  bool waiting = false;       ///< now, in `operation`
  std::uint64_t version = 0;  ///< unchanged while the same wait lasts
  Operation operation;
};

/// A snapshot of a board.
struct ProgressSnapshot {
  Phase phase = Phase::kSetUp;
  std::uint64_t phase_changes = 0;
  std::int64_t epoch = 0;
  std::int64_t step = 0;
  std::array<ChannelSnapshot, kChannels> channels;
};

/// Lock-free and without addresses, so that it may lie in memory shared by processes: a stopped
/// rank's board can still be read. A write is a few plain stores and reads no clock; a reader that
/// looks repeatedly sees how long nothing has changed.
///
/// The phase and position have one writer at a time, and so has each channel; there may be many
/// readers.
class ProgressBoard {
 public:
  /// Setting the same phase again restarts its time.
  void set_phase(Phase phase) noexcept {
    const auto changes = (phase_.load(std::memory_order_relaxed) >> kPhaseBits) + 1;
    phase_.store(changes << kPhaseBits | static_cast<std::uint64_t>(phase),
                 std::memory_order_relaxed);
  }
  /// Epoch and step of the run, from 1; 0 before.
  void set_position(std::int64_t epoch, std::int64_t step) noexcept {
    epoch_.store(epoch, std::memory_order_relaxed);
    step_.store(step, std::memory_order_relaxed);
  }

  /// The rank has reached its channel's next operation, whether or not it waits there.
  Operation enter(Channel channel, OperationKind kind, std::uint64_t bytes) noexcept {
    auto& record = of(channel);
    const auto sequence = record.entered.load(std::memory_order_relaxed) + 1;
    record.entered.store(sequence, std::memory_order_release);
    return {kind, channel, std::exchange(record.next_bucket, -1), sequence, bytes};
  }
  /// The channel's next operation is the all-reduce of this bucket. Called by the channel's writer.
  void set_next_bucket(Channel channel, std::int32_t bucket) noexcept {
    of(channel).next_bucket = bucket;
  }
  /// The operation that a wait for the GPU on this channel is for: the last one entered.
  [[nodiscard]] Operation gpu_wait(Channel channel) const noexcept {
    return {.kind = OperationKind::kGpuWait,
            .channel = channel,
            .sequence = of(channel).entered.load(std::memory_order_relaxed)};
  }

  /// From now on the rank waits for `operation`; one wait per channel. See WaitScope.
  void begin_wait(const Operation& operation) noexcept {
    auto& record = of(operation.channel);
    const auto version = begin_change(record);
    record.kind.store(operation.kind, std::memory_order_release);
    record.bucket.store(operation.bucket, std::memory_order_release);
    record.sequence.store(operation.sequence, std::memory_order_release);
    record.bytes.store(operation.bytes, std::memory_order_release);
    record.waiting.store(true, std::memory_order_release);
    record.version.store(version, std::memory_order_release);
  }
  void end_wait(Channel channel) noexcept {
    auto& record = of(channel);
    const auto version = begin_change(record);
    record.waiting.store(false, std::memory_order_release);
    record.version.store(version, std::memory_order_release);
  }

  /// The rank's watchdog is alive. `beats` counts the calls.
  void beat() noexcept { beats_.fetch_add(1, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t beats() const noexcept {
    return beats_.load(std::memory_order_relaxed);
  }

  /// Any thread of any process that shares the board. Each channel appears as it was at one moment;
  /// one that changes all the time, or whose writer was stopped halfway, appears as not waiting.
  [[nodiscard]] ProgressSnapshot look() const noexcept;

 private:
  static constexpr unsigned kPhaseBits = 8;

  struct alignas(64) Record {
    std::atomic<std::uint64_t> entered{0};
    std::int32_t next_bucket = -1;          // used by its writer only
    std::atomic<std::uint64_t> version{0};  // odd while the fields below change
    std::atomic<OperationKind> kind{OperationKind::kAllReduce};
    std::atomic<bool> waiting{false};
    std::atomic<std::int32_t> bucket{-1};
    std::atomic<std::uint64_t> sequence{0};
    std::atomic<std::uint64_t> bytes{0};
  };
  static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "is shared between processes");

  [[nodiscard]] Record& of(Channel channel) noexcept {
    return records_[static_cast<std::size_t>(channel)];
  }
  [[nodiscard]] const Record& of(Channel channel) const noexcept {
    return records_[static_cast<std::size_t>(channel)];
  }
  /// Returns the version with which to end the change. A reader that sees a later store also sees
  /// this one.
  static std::uint64_t begin_change(Record& record) noexcept {
    const auto version = record.version.load(std::memory_order_relaxed);
    record.version.store(version + 1, std::memory_order_relaxed);
    return version + 2;
  }

  std::atomic<std::uint64_t> phase_{0};  // changes and, in the lowest bits, the phase
  std::atomic<std::int64_t> epoch_{0};
  std::atomic<std::int64_t> step_{0};
  std::atomic<std::uint64_t> beats_{0};
  std::array<Record, kChannels> records_;
};

/// While it exists, the rank waits for `operation`. Without a board it does nothing.
class WaitScope {
 public:
  WaitScope(ProgressBoard* board, const Operation& operation) noexcept
      : board_(board), channel_(operation.channel) {
    if (board_ != nullptr) board_->begin_wait(operation);
  }
  ~WaitScope() {
    if (board_ != nullptr) board_->end_wait(channel_);
  }
  WaitScope(const WaitScope&) = delete;
  WaitScope& operator=(const WaitScope&) = delete;
  WaitScope(WaitScope&&) = delete;
  WaitScope& operator=(WaitScope&&) = delete;

 private:
  ProgressBoard* board_;
  Channel channel_;
};

}  // namespace lockstep::watch

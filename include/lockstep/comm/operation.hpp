// The operations in which ranks wait for each other, and who is told of these waits.
#pragma once

#include <cstddef>
#include <cstdint>

namespace lockstep::comm {

/// A wait for the GPU is a wait for whatever was started on it last.
enum class OperationKind : std::uint8_t {
  kAllReduce,
  kBroadcast,
  kAllGather,
  kBarrier,
  kAllocation,
  kConnecting,
  kGpuWait,
  kClosing,
  kEnding
};

/// The operations of one communicator, in the order that all its ranks keep.
enum class Channel : std::uint8_t { kControl, kGradients, kState, kEnding };
inline constexpr std::size_t kChannels = 4;

/// An operation, with the same number on all ranks.
struct Operation {
  OperationKind kind = OperationKind::kAllReduce;
  Channel channel = Channel::kControl;
  std::int32_t bucket = -1;    ///< of the gradients; −1: none
  std::uint64_t sequence = 0;  ///< from 1, on its channel; 0: none
  std::uint64_t bytes = 0;
};

/// Is told when this rank begins and ends waiting for an operation, by the waiting thread.
class OperationObserver {
 public:
  OperationObserver() = default;
  virtual ~OperationObserver() = default;
  OperationObserver(const OperationObserver&) = delete;
  OperationObserver& operator=(const OperationObserver&) = delete;
  OperationObserver(OperationObserver&&) = delete;
  OperationObserver& operator=(OperationObserver&&) = delete;

  virtual void begin_wait(const Operation& operation) noexcept = 0;
  virtual void end_wait(const Operation& operation) noexcept = 0;
};

/// While it exists, the rank waits for `operation`. Without an observer it does nothing.
class ObservedWait {
 public:
  ObservedWait(OperationObserver* observer, const Operation& operation) noexcept
      : observer_(observer), operation_(operation) {
    if (observer_ != nullptr) observer_->begin_wait(operation_);
  }
  ~ObservedWait() {
    if (observer_ != nullptr) observer_->end_wait(operation_);
  }
  ObservedWait(const ObservedWait&) = delete;
  ObservedWait& operator=(const ObservedWait&) = delete;
  ObservedWait(ObservedWait&&) = delete;
  ObservedWait& operator=(ObservedWait&&) = delete;

 private:
  OperationObserver* observer_;
  Operation operation_;
};

}  // namespace lockstep::comm

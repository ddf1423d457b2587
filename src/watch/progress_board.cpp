#include <lockstep/watch/progress_board.hpp>

namespace lockstep::watch {

std::string_view phase_name(Phase phase) {
  switch (phase) {
    case Phase::kSetUp:
      return "set-up";
    case Phase::kLoading:
      return "loading data";
    case Phase::kData:
      return "data";
    case Phase::kForward:
      return "forward";
    case Phase::kBackward:
      return "backward";
    case Phase::kOptimizer:
      return "optimizer";
    case Phase::kEvaluation:
      return "evaluation";
    case Phase::kCheckpoint:
      return "checkpoint";
    case Phase::kEnding:
      return "ending";
  }
  return "an unknown phase";
}

std::string_view channel_name(Channel channel) {
  switch (channel) {
    case Channel::kControl:
      return "control";
    case Channel::kGradients:
      return "gradients";
    case Channel::kState:
      return "state";
    case Channel::kEnding:
      return "ending";
  }
  return "an unknown channel";
}

ProgressSnapshot ProgressBoard::look() const noexcept {
  constexpr std::uint64_t kPhaseMask = (std::uint64_t{1} << kPhaseBits) - 1;
  constexpr int kMaxTries = 8;  // the writer may have been stopped halfway
  ProgressSnapshot snapshot;
  const auto phase = phase_.load(std::memory_order_relaxed);
  snapshot.phase = static_cast<Phase>(phase & kPhaseMask);
  snapshot.phase_changes = phase >> kPhaseBits;
  snapshot.epoch = epoch_.load(std::memory_order_relaxed);
  snapshot.step = step_.load(std::memory_order_relaxed);
  for (std::size_t i = 0; i < kChannels; ++i) {
    const auto& record = records_[i];
    auto& channel = snapshot.channels[i];
    channel.operation.channel = static_cast<Channel>(i);
    bool settled = false;
    for (int tries = 0; tries < kMaxTries && !settled; ++tries) {
      channel.version = record.version.load(std::memory_order_acquire);
      channel.operation.kind = record.kind.load(std::memory_order_acquire);
      channel.operation.bucket = record.bucket.load(std::memory_order_acquire);
      channel.operation.sequence = record.sequence.load(std::memory_order_acquire);
      channel.operation.bytes = record.bytes.load(std::memory_order_acquire);
      channel.waiting = record.waiting.load(std::memory_order_acquire);
      const bool changing = channel.version % 2 == 1;
      settled = !changing && record.version.load(std::memory_order_relaxed) == channel.version;
    }
    channel.waiting = channel.waiting && settled;
    // Read last, so that the operation a rank waits for is counted.
    channel.entered = record.entered.load(std::memory_order_acquire);
  }
  return snapshot;
}

}  // namespace lockstep::watch

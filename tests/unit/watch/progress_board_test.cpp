#include <atomic>
#include <future>
#include <memory>
#include <set>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <utility>

#include <gtest/gtest.h>

#include <lockstep/watch/progress_board.hpp>
#include <lockstep/watch/watched_communicator.hpp>

namespace lockstep::watch {
namespace {

const ChannelSnapshot& on(const ProgressSnapshot& snapshot, Channel channel) {
  return snapshot.channels[static_cast<std::size_t>(channel)];
}

TEST(ProgressBoard, ShowsWhatWasWritten) {
  ProgressBoard board;
  EXPECT_EQ(board.look().phase, Phase::kSetUp);
  board.set_phase(Phase::kOptimizer);
  board.set_position(3, 512);
  board.set_next_bucket(Channel::kGradients, 4);
  const auto operation = board.enter(Channel::kGradients, OperationKind::kAllReduce, 100);
  EXPECT_EQ(operation.sequence, 1U);
  EXPECT_EQ(operation.bucket, 4);
  EXPECT_FALSE(on(board.look(), Channel::kGradients).waiting);
  {
    const WaitScope waiting(&board, operation);
    const auto snapshot = board.look();
    EXPECT_EQ(snapshot.phase, Phase::kOptimizer);
    EXPECT_EQ(snapshot.phase_changes, 1U);
    EXPECT_EQ(snapshot.epoch, 3);
    EXPECT_EQ(snapshot.step, 512);
    EXPECT_EQ(on(snapshot, Channel::kGradients).entered, 1U);
    EXPECT_TRUE(on(snapshot, Channel::kGradients).waiting);
    EXPECT_EQ(on(snapshot, Channel::kGradients).operation.bytes, 100U);
    EXPECT_EQ(on(snapshot, Channel::kGradients).operation.bucket, 4);
    EXPECT_EQ(on(snapshot, Channel::kControl).entered, 0U);
    EXPECT_FALSE(on(snapshot, Channel::kControl).waiting);
  }
  EXPECT_FALSE(on(board.look(), Channel::kGradients).waiting);
  EXPECT_EQ(board.enter(Channel::kGradients, OperationKind::kAllReduce, 100).bucket, -1);
  EXPECT_EQ(board.gpu_wait(Channel::kGradients).sequence, 2U);
}

TEST(ProgressBoard, NamesEverything) {
  std::set<std::string_view> phases;
  for (int i = 0; i <= static_cast<int>(Phase::kEnding); ++i) {
    phases.insert(phase_name(static_cast<Phase>(i)));
  }
  EXPECT_EQ(phases.size(), 9U);
  std::set<std::string_view> channels;
  for (std::size_t i = 0; i < kChannels; ++i) {
    channels.insert(channel_name(static_cast<Channel>(i)));
  }
  EXPECT_EQ(channels.size(), kChannels);
}

TEST(ProgressBoard, AReaderSeesNoMixtureOfTwoWaits) {
  ProgressBoard board;
  std::atomic<bool> over{false};
  std::jthread writer([&] {
    for (std::uint64_t i = 1; i <= 200'000; ++i) {
      const bool odd = i % 2 == 1;
      board.set_next_bucket(Channel::kState, odd ? 7 : -1);
      const WaitScope waiting(
          &board,
          board.enter(Channel::kState, odd ? OperationKind::kAllReduce : OperationKind::kBroadcast,
                      1000 * i));
    }
    over = true;
  });
  std::uint64_t last = 0;
  while (!over) {
    const auto snapshot = board.look();
    const auto& channel = on(snapshot, Channel::kState);
    if (!channel.waiting) continue;
    const auto& operation = channel.operation;
    ASSERT_EQ(operation.bytes, 1000 * operation.sequence);
    ASSERT_EQ(operation.bucket, operation.sequence % 2 == 1 ? 7 : -1);
    ASSERT_EQ(operation.kind == OperationKind::kAllReduce, operation.sequence % 2 == 1);
    ASSERT_GE(channel.entered, operation.sequence);
    ASSERT_GE(operation.sequence, last);
    last = operation.sequence;
  }
}

/// Notes what the board shows while it is called, and ends operations when they are waited for.
class LookingCommunicator final : public comm::Communicator {
 public:
  explicit LookingCommunicator(const ProgressBoard& board) : board_(board) {}
  [[nodiscard]] int rank() const noexcept override { return 2; }
  [[nodiscard]] int size() const noexcept override { return 5; }
  [[nodiscard]] bool overlaps() const noexcept override { return true; }
  std::span<float> allocate(std::size_t /*elements*/) override {
    look();
    return floats_;
  }
  comm::Completion all_reduce(std::span<const float> /*send*/,
                              std::span<float> /*receive*/) override {
    look();
    return comm::Completion(std::async(std::launch::deferred, [this] {
      look();
      return comm::OperationTime{.seconds = 0.25};
    }));
  }
  comm::Completion all_reduce(std::span<double> /*buffer*/) override {
    look();
    return comm::Completion(comm::OperationTime{.seconds = 0.5});
  }
  comm::Completion broadcast(std::span<std::byte> /*buffer*/, int /*root*/) override {
    look();
    throw std::runtime_error("the network is gone");
  }
  comm::Completion all_gather(std::span<const std::byte> /*send*/,
                              std::span<std::byte> /*receive*/) override {
    look();
    return comm::Completion(comm::OperationTime{.seconds = 0.125});
  }
  void barrier() override { look(); }
  void close() override { look(); }

  ChannelSnapshot seen;

 private:
  void look() { seen = on(board_.look(), Channel::kGradients); }
  const ProgressBoard& board_;
  std::array<float, 3> floats_ = {};
};

class WatchedCommunicatorTest : public ::testing::Test {
 protected:
  void expect_seen(OperationKind kind, std::uint64_t bytes, std::uint64_t sequence) const {
    EXPECT_TRUE(inner_->seen.waiting);
    EXPECT_EQ(inner_->seen.operation.kind, kind);
    EXPECT_EQ(inner_->seen.operation.bytes, bytes);
    EXPECT_EQ(inner_->seen.operation.sequence, sequence);
    EXPECT_FALSE(waits());
    EXPECT_EQ(on(board_.look(), Channel::kGradients).entered, sequence);
  }
  [[nodiscard]] bool waits() const { return on(board_.look(), Channel::kGradients).waiting; }

  ProgressBoard board_;
  LookingCommunicator* inner_ = new LookingCommunicator(board_);  // the next line's
  WatchedCommunicator watched_{std::unique_ptr<comm::Communicator>(inner_), board_,
                               Channel::kGradients};
};

TEST_F(WatchedCommunicatorTest, ShowsWaitsInsideCallsOnly) {
  std::array<double, 4> doubles = {};
  EXPECT_EQ(watched_.allocate(6).size(), 3U);
  expect_seen(OperationKind::kAllocation, 24, 1);
  EXPECT_EQ(watched_.all_reduce(std::span<double>(doubles)).wait().seconds, 0.5);
  expect_seen(OperationKind::kAllReduce, 32, 2);
  watched_.barrier();
  expect_seen(OperationKind::kBarrier, 0, 3);
  std::array<std::byte, 10> gathered = {};
  EXPECT_EQ(watched_.all_gather(std::span(gathered).first(2), gathered).wait().seconds, 0.125);
  expect_seen(OperationKind::kAllGather, 2, 4);
  watched_.close();
  expect_seen(OperationKind::kClosing, 0, 5);
  EXPECT_EQ(watched_.rank(), 2);
  EXPECT_EQ(watched_.size(), 5);
  EXPECT_TRUE(watched_.overlaps());
}

TEST_F(WatchedCommunicatorTest, ShowsTheWaitForACompletionAsThatOperations) {
  std::array<float, 4> floats = {};
  auto first = watched_.all_reduce(floats, floats);
  expect_seen(OperationKind::kAllReduce, 16, 1);
  auto second = watched_.all_reduce(floats, floats);
  expect_seen(OperationKind::kAllReduce, 16, 2);
  inner_->seen = {};
  EXPECT_EQ(first.wait().seconds, 0.25);
  EXPECT_TRUE(inner_->seen.waiting);
  EXPECT_EQ(inner_->seen.operation.sequence, 1U);
  auto moved = std::move(second);
  EXPECT_EQ(moved.wait().seconds, 0.25);
  EXPECT_EQ(inner_->seen.operation.sequence, 2U);
  EXPECT_FALSE(waits());
}

TEST_F(WatchedCommunicatorTest, AFailureEndsTheWait) {
  std::array<std::byte, 4> bytes = {};
  EXPECT_THROW((void)watched_.broadcast(bytes, 0), std::runtime_error);
  expect_seen(OperationKind::kBroadcast, 4, 1);
}

}  // namespace
}  // namespace lockstep::watch

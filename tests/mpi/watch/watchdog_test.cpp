// Real ranks that keep each other waiting, with an action that records instead of ending them.
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <memory>
#include <mutex>
#include <new>
#include <stdexcept>
#include <string>
#include <sys/types.h>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <lockstep/comm/factory.hpp>
#include <lockstep/comm/gather.hpp>
#include <lockstep/runtime/node_memory.hpp>
#include <lockstep/runtime/rank_layout.hpp>
#include <lockstep/watch/watchdog.hpp>
#include <lockstep/watch/watched_communicator.hpp>

namespace lockstep::watch {
namespace {

using namespace std::chrono_literals;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

constexpr double kDeadlineSeconds = 1.5;
constexpr auto kFarLonger = 60s;

/// Messages that all ranks' watchdogs gave.
struct Messages {
  std::vector<std::string> warnings;
  std::vector<std::string> ends;
};

/// A count that all ranks see, whatever MPI does.
class SharedCount {
 public:
  explicit SharedCount(const runtime::RankLayout& layout) : memory_(sizeof(Count), layout) {
    if (layout.local_rank == 0) new (memory_.bytes().data()) Count(0);
    memory_.synchronize();
  }
  void increase() { ++count(); }
  /// Until it is not 0.
  void wait() {
    for (const auto start = std::chrono::steady_clock::now();
         count() == 0 && std::chrono::steady_clock::now() - start < kFarLonger;) {
      ::usleep(10'000);
    }
  }

 private:
  using Count = std::atomic<int>;
  Count& count() { return *std::launder(reinterpret_cast<Count*>(memory_.bytes().data())); }
  runtime::NodeMemory memory_;
};

class WatchdogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (layout_.world_size < 2) GTEST_SKIP() << "needs two ranks";
  }

  [[nodiscard]] HangActions recording() {
    return {.warn =
                [this](const std::string& message) {
                  const std::lock_guard lock(mutex_);
                  mine_.warnings.push_back(message);
                },
            .end =
                [this](const std::string& message) {
                  {
                    const std::lock_guard lock(mutex_);
                    if (!message.empty()) mine_.ends.push_back(layout_.describe() + ": " + message);
                  }
                  if (!message.empty()) reported_.increase();
                }};
  }

  [[nodiscard]] std::unique_ptr<comm::Communicator> watched(bool progress_thread,
                                                            bool node_shared) {
    return std::make_unique<WatchedCommunicator>(
        comm::make_communicator(
            {.progress_thread = progress_thread, .node_shared = node_shared, .timeout = kFarLonger},
            layout_),
        board_, Channel::kGradients);
  }

  /// Collective.
  [[nodiscard]] Messages of_all_ranks() {
    const std::lock_guard lock(mutex_);
    Messages all;
    const auto collect = [&](const std::vector<std::string>& texts, std::vector<std::string>& to) {
      std::string joined;
      for (const auto& text : texts) joined += text + "\n";
      for (auto text : comm::gather_texts(*plain_, joined)) {
        for (std::size_t end = 0; (end = text.find('\n')) != std::string::npos;) {
          to.push_back(text.substr(0, end));
          text.erase(0, end + 1);
        }
      }
    };
    collect(mine_.warnings, all.warnings);
    collect(mine_.ends, all.ends);
    return all;
  }

  const runtime::RankLayout layout_ = runtime::discover_rank_layout();
  const int last_ = layout_.world_size - 1;
  const std::unique_ptr<comm::Communicator> plain_ =
      comm::make_communicator({.node_shared = false}, layout_);
  NodeBoards boards_{layout_};
  ProgressBoard& board_ = boards_.mine();
  SharedCount reported_{layout_};
  std::mutex mutex_;
  Messages mine_;
};

TEST_F(WatchdogTest, IsQuietWhileRanksComeInTimeAndEndsInOrder) {
  for (int round = 0; round < 3; ++round) {
    const auto communicator = watched(round == 1, round == 2);
    const Watchdog watchdog(layout_, boards_, 20s, recording());
    std::array<double, 1> number = {1};
    for (int i = 0; i < 100; ++i) {
      communicator->all_reduce(std::span<double>(number)).wait();
    }
    if (layout_.rank == round % layout_.world_size) std::this_thread::sleep_for(700ms);
    communicator->barrier();
    if (layout_.rank == last_) std::this_thread::sleep_for(300ms);  // ends later than the others
  }
  const auto messages = of_all_ranks();
  EXPECT_THAT(messages.warnings, SizeIs(0));
  EXPECT_THAT(messages.ends, SizeIs(0));
}

struct Absence {
  bool rank_0;
  bool progress_thread;
  bool node_shared;
};

class Absent : public WatchdogTest, public ::testing::WithParamInterface<Absence> {};

TEST_P(Absent, RankIsNamedOnceWithItsPhaseAfterAWarning) {
  const int absent = GetParam().rank_0 ? 0 : last_;
  {
    const auto communicator = watched(GetParam().progress_thread, GetParam().node_shared);
    const auto memory = communicator->allocate(1000);
    const Watchdog watchdog(layout_, boards_, std::chrono::duration<double>(kDeadlineSeconds),
                            recording());
    board_.set_position(3, 512);
    board_.set_phase(Phase::kForward);
    if (layout_.rank == absent) {
      reported_.wait();
    } else {
      board_.set_phase(Phase::kBackward);
    }
    board_.set_next_bucket(Channel::kGradients, 2);
    communicator->all_reduce(memory, memory).wait();
  }
  const auto messages = of_all_ranks();
  const auto operation =
      HasSubstr("all-reduce 2 (gradients, bucket 2, 4000 bytes, epoch 3, step 512): " +
                layout_.describe(absent) + " did not come within ");
  ASSERT_THAT(messages.warnings, SizeIs(1));
  EXPECT_THAT(messages.warnings[0], AllOf(operation, HasSubstr("within 0.75 s")));
  ASSERT_THAT(messages.ends, SizeIs(1));
  EXPECT_THAT(messages.ends[0],
              AllOf(operation, HasSubstr("within 1.5 s: last in forward for "),
                    HasSubstr(layout_.describe(0) + ": "), Not(HasSubstr("no sign of life"))));
}

INSTANTIATE_TEST_SUITE_P(Variants, Absent,
                         ::testing::Values(Absence{false, false, false}, Absence{true, false, true},
                                           Absence{false, true, false}, Absence{true, true, true}));

class Stopped : public WatchdogTest, public ::testing::WithParamInterface<int> {};

TEST_P(Stopped, RankIsNamedByOneThatLives) {
  const int stopped = std::min(GetParam(), last_);
  {
    const auto communicator = watched(false, false);
    // Longer than the time after which a rank counts as silent.
    const Watchdog watchdog(layout_, boards_, 3s, recording());
    std::array<double, 1> number = {1};
    communicator->all_reduce(std::span<double>(number)).wait();
    if (layout_.rank == stopped) {
      // Stopped at once, before its watchdog can tell of this phase: its neighbours read the board.
      board_.set_phase(Phase::kOptimizer);
      const auto parent = ::getpid();
      if (::fork() == 0) {
        ::kill(parent, SIGSTOP);
        reported_.wait();
        ::kill(parent, SIGCONT);
        ::_exit(0);
      }
      reported_.wait();
    }
    communicator->all_reduce(std::span<double>(number)).wait();
  }
  const auto messages = of_all_ranks();
  ASSERT_THAT(messages.ends, SizeIs(1));
  EXPECT_THAT(messages.ends[0],
              AllOf(HasSubstr(layout_.describe(stopped == 0 ? 1 : 0) + ": all-reduce 2"),
                    HasSubstr(layout_.describe(stopped) + " did not come"),
                    HasSubstr("last in optimizer for "), HasSubstr("no sign of life for ")));
}

INSTANTIATE_TEST_SUITE_P(Ranks, Stopped, ::testing::Values(0, 3));

TEST_F(WatchdogTest, TheEndOfTheRunIsWatchedAsWell) {
  {
    const Watchdog watchdog(layout_, boards_, std::chrono::duration<double>(kDeadlineSeconds),
                            recording());
    board_.set_phase(Phase::kCheckpoint);
    if (layout_.rank == last_) reported_.wait();
  }
  const auto messages = of_all_ranks();
  ASSERT_THAT(messages.ends, SizeIs(1));
  EXPECT_THAT(messages.ends[0],
              AllOf(HasSubstr("the end of the run: " + layout_.describe(last_) + " did not come"),
                    HasSubstr("last in checkpoint")));
}

TEST_F(WatchdogTest, WhenAllHaveComeTheNetworkIsStuck) {
  {
    const Watchdog watchdog(layout_, boards_, std::chrono::duration<double>(kDeadlineSeconds),
                            recording());
    const WaitScope waiting(&board_, board_.enter(Channel::kState, OperationKind::kBroadcast, 12));
    reported_.wait();
  }
  const auto messages = of_all_ranks();
  ASSERT_THAT(messages.ends, SizeIs(1));
  EXPECT_THAT(messages.ends[0], AllOf(HasSubstr("broadcast 1 (state, 12 bytes): not done"),
                                      HasSubstr("all ranks have come")));
}

TEST_F(WatchdogTest, WaitsForNobodyWhileAnExceptionUnwinds) {
#if defined(__SANITIZE_ADDRESS__)
  GTEST_SKIP() << "leaves the buffers of messages that nobody takes to MPI";
#endif
  if (layout_.rank == last_) {
    EXPECT_THROW(
        {
          const Watchdog watchdog(layout_, boards_, 20s, recording());
          throw std::runtime_error("alone");
        },
        std::runtime_error);
    reported_.increase();
  } else {
    EXPECT_THROW(
        {
          const Watchdog watchdog(layout_, boards_, 20s, recording());
          reported_.wait();  // the other one is gone while this one watches
          throw std::runtime_error("later");
        },
        std::runtime_error);
  }
  plain_->barrier();
}

TEST(Watchdog, AJobOfOneRankNeedsNone) {
  auto layout = runtime::discover_rank_layout();
  if (layout.world_size > 1) GTEST_SKIP() << "needs one rank";
  NodeBoards boards(layout);
  const Watchdog watchdog(layout, boards, 1s, {});
  boards.mine().set_phase(Phase::kData);
  EXPECT_EQ(boards.of(0).look().phase, Phase::kData);
}

}  // namespace
}  // namespace lockstep::watch

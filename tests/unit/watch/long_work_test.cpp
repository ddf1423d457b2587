// Work that takes long, and shows that it gets on.
#include <chrono>
#include <stdexcept>
#include <thread>

#include <gtest/gtest.h>

#include <lockstep/watch/long_work.hpp>

namespace lockstep::watch {
namespace {

std::uint64_t changes_while(ProgressBoard& board, const std::function<bool()>& goes_on) {
  std::uint64_t changes = 0;
  work_long(&board, [&] {
    EXPECT_EQ(board.look().phase, Phase::kLoading);
    const auto before = board.look().phase_changes;
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (goes_on() && std::chrono::steady_clock::now() < end) {
    }
    changes = board.look().phase_changes - before;
  });
  return changes;
}

TEST(LongWork, ShowsAgainAndAgainThatItGetsOn) {
  ProgressBoard board;
  // Until it has been shown three times, however busy the machine is.
  const auto first = board.look().phase_changes;
  const auto changes = changes_while(board, [&] { return board.look().phase_changes < first + 4; });
  EXPECT_GE(changes, 3U);
  EXPECT_EQ(board.look().phase, Phase::kSetUp);
}

TEST(LongWork, ShowsNothingWhileItStandsStill) {
  ProgressBoard board;
  work_long(&board, [&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(600));  // until it has been looked at
    const auto before = board.look().phase_changes;
    std::this_thread::sleep_for(std::chrono::seconds(2));
    EXPECT_LE(board.look().phase_changes, before + 1) << "but for the end of the first sleep";
  });
}

TEST(LongWork, ThrowsWhatTheWorkThrows) {
  ProgressBoard board;
  EXPECT_THROW(work_long(&board, [] { throw std::runtime_error("no data"); }), std::runtime_error);
  EXPECT_EQ(board.look().phase, Phase::kSetUp);
  EXPECT_THROW(work_long(nullptr, [] { throw std::runtime_error("no data"); }), std::runtime_error);
}

}  // namespace
}  // namespace lockstep::watch

#include <numeric>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <lockstep/watch/hang_judgement.hpp>

namespace lockstep::watch {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr double kLimit = 60;

RankStatus::Wait& channel_of(RankView& rank, Channel channel) {
  return rank.status.channels[static_cast<std::size_t>(channel)];
}

/// A rank that has come to `entered` operations and works on.
RankView working(std::uint64_t entered, Phase phase = Phase::kForward, double seconds = 0.1) {
  RankView rank;
  rank.status.phase = phase;
  rank.status.phase_seconds = seconds;
  rank.status.epoch = 3;
  rank.status.step = 511;
  channel_of(rank, Channel::kGradients).entered = entered;
  return rank;
}

RankView waiting(std::uint64_t sequence, double seconds, Channel channel = Channel::kGradients) {
  RankView rank = working(0, Phase::kBackward, seconds);
  rank.status.step = 512;
  channel_of(rank, channel) = {.entered = sequence,
                               .waiting = true,
                               .seconds = seconds,
                               .operation = {.kind = OperationKind::kAllReduce,
                                             .channel = channel,
                                             .bucket = 2,
                                             .sequence = sequence,
                                             .bytes = 2'678'836}};
  return rank;
}

RankView silent(RankView rank, double seconds) {
  rank.silent_seconds = seconds;
  return rank;
}

runtime::RankLayout layout_of(int ranks) {
  runtime::RankLayout layout;
  layout.world_size = ranks;
  for (int rank = 0; rank < ranks; ++rank) {
    layout.hosts.push_back("node" + std::to_string(rank / 2));
    layout.process_ids.push_back(4700 + rank);
  }
  return layout;
}

TEST(HangJudgement, ARankThatLoadsDataMayTakeLongAsLongAsItGetsOn) {
  std::vector<RankView> ranks = {working(0, Phase::kLoading, 0.3), waiting(1, 1000)};
  EXPECT_FALSE(judge(ranks, kLimit));
  ranks[0].status.phase_seconds = kLimit;
  const auto stuck = judge(ranks, kLimit);
  ASSERT_TRUE(stuck);
  EXPECT_THAT(stuck->culprits, ElementsAre(0));
  EXPECT_THAT(describe(*stuck, ranks, layout_of(2), kLimit), HasSubstr("last in loading data"));
  ranks[0] = silent(working(0, Phase::kLoading, 0.3), 5);
  EXPECT_TRUE(judge(ranks, kLimit));
}

TEST(Judge, FindsNothingWhileRanksComeInTime) {
  EXPECT_FALSE(judge(std::vector<RankView>{}, kLimit));
  EXPECT_FALSE(judge(std::vector{working(7), working(9), working(7)}, kLimit));
  EXPECT_FALSE(judge(std::vector{waiting(8, 59.9), working(7, Phase::kData, 300)}, kLimit));
  // Nobody waits for a rank that is merely silent.
  EXPECT_FALSE(judge(std::vector{working(7), silent(working(7), 300)}, kLimit));
}

TEST(Judge, NamesWhoHasNotCome) {
  const std::vector ranks = {waiting(1234, 60.2), waiting(1234, 61),
                             working(1233, Phase::kForward, 61.4), waiting(1234, 3)};
  const auto finding = judge(ranks, kLimit);
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->cause, Hang::Cause::kNotCome);
  EXPECT_THAT(finding->culprits, ElementsAre(2));
  EXPECT_THAT(finding->waiting, ElementsAre(0, 1, 3));
  EXPECT_EQ(describe(*finding, ranks, layout_of(4), kLimit),
            "all-reduce 1234 (gradients, bucket 2, 2678836 bytes, epoch 3, step 512): rank 2 "
            "(node1, pid 4702) did not come within 60 s: last in forward for 61 s; ranks 0, 1, 3 "
            "wait; see what it does there, or raise the time limit if it is only slow");
}

TEST(Judge, WhoWaitsHimselfIsNamedBehindWhoDoesNot) {
  // Rank 1 was stopped in all-reduce 31, which ranks 2 and 3 could leave and rank 0 could not.
  const std::vector ranks = {waiting(31, 60), silent(waiting(31, 0.1), 60), waiting(32, 60),
                             waiting(32, 60)};
  const auto finding = judge(ranks, kLimit);
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->operation.sequence, 32U);
  EXPECT_THAT(finding->culprits, ElementsAre(1, 0));
}

TEST(Judge, SaysHowLongACulpritHasBeenSilent) {
  const std::vector ranks = {silent(working(1233, Phase::kData, 62), 61.6), waiting(1234, 60)};
  const auto finding = judge(ranks, kLimit);
  ASSERT_TRUE(finding);
  EXPECT_THAT(describe(*finding, ranks, layout_of(2), kLimit),
              HasSubstr("rank 0 (node0, pid 4700) did not come within 60 s: last in data for 62 s, "
                        "no sign of life for 62 s; rank 1 waits;"));
}

TEST(Judge, IfAllHaveComeASilentRankIsTheCause) {
  const std::vector ranks = {waiting(5, 60), silent(waiting(5, 0.2), 59.8), working(5)};
  const auto finding = judge(ranks, kLimit);
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->cause, Hang::Cause::kSilent);
  EXPECT_THAT(finding->culprits, ElementsAre(1));
  EXPECT_THAT(finding->waiting, ElementsAre(0));
  EXPECT_THAT(describe(*finding, ranks, layout_of(3), kLimit),
              HasSubstr("rank 1 (node0, pid 4701) came and fell silent"));
}

TEST(Judge, IfAllHaveComeAndLiveTheNetworkIsStuckOnceTheLastHasWaitedAsLong) {
  EXPECT_FALSE(judge(std::vector{waiting(5, 90), waiting(5, 10)}, kLimit));
  const std::vector ranks = {waiting(5, 90), waiting(5, 60)};
  const auto finding = judge(ranks, kLimit);
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->cause, Hang::Cause::kStuck);
  EXPECT_THAT(finding->culprits, IsEmpty());
  EXPECT_THAT(describe(*finding, ranks, layout_of(2), kLimit), HasSubstr("all ranks have come"));
}

TEST(Judge, OfSeveralWaitsTakesTheOneForARankThatWaitsForNobody) {
  // Rank 0 waits for 1 to 3; these wait for 4, which is busy.
  const auto later = [](double seconds) { return waiting(9, seconds, Channel::kControl); };
  const std::vector ranks = {waiting(12, 90), later(80), later(80), later(80), working(0)};
  const auto finding = judge(ranks, kLimit);
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->operation.channel, Channel::kGradients);  // rank 4 is missing there, too
  const std::vector chain = {later(90), waiting(12, 80), working(11)};
  auto behind = chain;
  channel_of(behind[2], Channel::kControl).entered = 9;
  const auto first = judge(behind, kLimit);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->operation.channel, Channel::kGradients);
  EXPECT_THAT(first->culprits, ElementsAre(2, 0));
}

TEST(Judge, RanksInDifferentOperationsOfOneChannelAreReportedAtTheEarlierOne) {
  // Rank 1 has come to 8 and gone on: what rank 0 still waits in is stuck.
  const auto finding = judge(std::vector{waiting(8, 70), waiting(9, 70)}, kLimit);
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->operation.sequence, 8U);
  EXPECT_EQ(finding->cause, Hang::Cause::kStuck);
}

TEST(Judge, DescribesAFewOfManyCulpritsAndListsTheRest) {
  std::vector<RankView> ranks(40, working(3));
  ranks[0] = waiting(4, 60);
  ranks[1] = waiting(4, 60);
  const auto finding = judge(ranks, kLimit);
  ASSERT_TRUE(finding);
  const auto text = describe(*finding, ranks, layout_of(40), kLimit);
  EXPECT_THAT(text, HasSubstr("; likewise 34 more (ranks 6-39); ranks 0, 1 wait"));
  EXPECT_THAT(text, Not(HasSubstr("rank 6 (")));
  EXPECT_EQ(text.find('\n'), std::string::npos);
}

TEST(Judge, TellsWhereElseACulpritWaits) {
  std::vector ranks = {waiting(4, 60), waiting(0, 0)};
  channel_of(ranks[1], Channel::kGradients) = {};
  channel_of(ranks[1], Channel::kControl) = {
      .entered = 6,
      .waiting = true,
      .seconds = 61,
      .operation = {.kind = OperationKind::kBroadcast, .sequence = 6, .bytes = 8}};
  ranks[0].status.channels[0].entered = 5;
  const auto finding = judge(ranks, kLimit);
  ASSERT_TRUE(finding);
  EXPECT_THAT(describe(*finding, ranks, layout_of(2), kLimit),
              HasSubstr("waiting in broadcast 6 (control, 8 bytes) for 61 s"));
}

TEST(RankList, ShortensRunsOfThreeAndMore) {
  const auto list = [](std::vector<int> ranks) { return rank_list(ranks); };
  EXPECT_EQ(list({3}), "rank 3");
  EXPECT_EQ(list({0, 1}), "ranks 0, 1");
  EXPECT_EQ(list({0, 1, 2, 5}), "ranks 0-2, 5");
  EXPECT_EQ(list({0, 2, 3, 5, 6, 7, 8, 10}), "ranks 0, 2, 3, 5-8, 10");
  std::vector<int> many(1000);
  std::iota(many.begin(), many.end(), 0);
  EXPECT_EQ(list(many), "ranks 0-999");
}

TEST(SecondsText, IsAsPreciseAsItNeeds) {
  EXPECT_EQ(seconds_text(0.3), "0.3 s");
  EXPECT_EQ(seconds_text(1), "1 s");
  EXPECT_EQ(seconds_text(1.5), "1.5 s");
  EXPECT_EQ(seconds_text(9.96), "10 s");
  EXPECT_EQ(seconds_text(60), "60 s");
  EXPECT_EQ(seconds_text(3599.7), "3600 s");
}

TEST(OperationText, LeavesOutWhatIsNot) {
  EXPECT_EQ(describe({.kind = OperationKind::kBarrier, .sequence = 4}, 0, 0),
            "barrier 4 (control)");
  EXPECT_EQ(describe({.kind = OperationKind::kEnding, .channel = Channel::kEnding, .sequence = 1},
                     10, 9380),
            "the end of the run (epoch 10, step 9380)");
}

TEST(ProgressTimer, MeasuresHowLongABoardShowsTheSame) {
  ProgressBoard board;
  ProgressTimer timer;
  board.set_phase(Phase::kData);
  (void)timer.time(board.look(), 5);
  EXPECT_EQ(timer.time(board.look(), 7).phase_seconds, 2);
  board.set_phase(Phase::kData);  // again: another step's
  EXPECT_EQ(timer.time(board.look(), 8).phase_seconds, 0);

  const auto control = [](const RankStatus& status) { return status.channels[0]; };
  board.begin_wait(board.enter(Channel::kControl, OperationKind::kBarrier, 0));
  EXPECT_EQ(control(timer.time(board.look(), 9)).seconds, 0);
  EXPECT_EQ(control(timer.time(board.look(), 12)).seconds, 3);
  board.end_wait(Channel::kControl);
  EXPECT_EQ(control(timer.time(board.look(), 13)).seconds, 0);
  EXPECT_FALSE(control(timer.time(board.look(), 20)).waiting);
  board.begin_wait(board.enter(Channel::kControl, OperationKind::kBarrier, 0));
  board.end_wait(Channel::kControl);
  board.begin_wait(board.enter(Channel::kControl, OperationKind::kBarrier, 0));
  const auto third = control(timer.time(board.look(), 30));
  EXPECT_EQ(third.seconds, 0) << "two waits taken for one";
  EXPECT_EQ(third.entered, 3U);
  EXPECT_EQ(third.operation.sequence, 3U);
}

}  // namespace
}  // namespace lockstep::watch

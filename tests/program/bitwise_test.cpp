// With virtual shards, the same bits at any number of ranks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "program.hpp"
#include "temporary_folder.hpp"

namespace lockstep::tests {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

/// All that a run's numbers are: losses, test figures and weights, in full precision.
std::vector<std::string> numbers_of(const std::filesystem::path& run) {
  std::vector<std::string> numbers;
  for (const auto& event : read_events(run, "train")) {
    numbers.push_back(event["step"].dump() + " " + event["loss"].dump() + " " + event["lr"].dump());
  }
  for (const auto& event : read_events(run, "epoch")) numbers.push_back(event["train_loss"].dump());
  for (const auto& event : read_events(run, "test")) {
    numbers.push_back(event["correct"].dump() + " " + event["avg_loss"].dump());
  }
  numbers.push_back(read_events(run, "run_end").at(0)["parameters_sha256"]);
  return numbers;
}

class FewOrManyRanks : public ::testing::Test {
 protected:
  const TemporaryFolder folder_;

  std::vector<std::string> train(int ranks, const std::string& more) {
    const auto run = folder_ / ("np" + std::to_string(ranks) + "." + std::to_string(runs_++));
    const auto outcome = run_program(
        {.arguments = words("train --virtual-shards 8 --global-batch-size 64 --epochs 2 "
                            "--train-samples 1501 --test-samples 500 --log-every 1 --hidden 128,64 "
                            "--check-replicas-every 5 --output-dir " +
                            run.string() + " " + more),
         .ranks = ranks});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.standard_error;
    if (outcome.exit_code != 0) return {};
    return numbers_of(run);
  }

 private:
  int runs_ = 0;
};

class BitwiseTest : public FewOrManyRanks, public ::testing::WithParamInterface<const char*> {};

TEST_P(BitwiseTest, TheSameAtOneTwoFourAndEightRanks) {
  const auto alone = train(1, GetParam());
  ASSERT_THAT(alone, SizeIs(::testing::Gt(24U * 2)));
  for (const int ranks : {2, 4, 8}) {
    EXPECT_EQ(train(ranks, GetParam()), alone) << ranks << " ranks";
  }
}

INSTANTIATE_TEST_SUITE_P(
    Options, BitwiseTest,
    ::testing::Values("--lr 0.05", "--lr 0.05 --momentum 0.9 --tail exact",
                      "--optimizer adam --tail drop",
                      "--optimizer adam --accumulate-steps 2 --clip-grad-norm 0.5 --tail exact",
                      "--lr 0.05 --momentum 0.9 --accumulate-steps 4 --clip-grad-norm 1 "
                      "--nesterov --label-smoothing 0.1 --lr-schedule onecycle"));

TEST_F(FewOrManyRanks, TheSameThroughPlainMpiAndAProgressThread) {
  const auto alone = train(1, "--optimizer adam");
  EXPECT_EQ(train(4, "--optimizer adam --node-shared off"), alone);
  EXPECT_EQ(train(2, "--optimizer adam --overlap on --bucket-mb 0.1 --first-bucket-mb 0.05"),
            alone);
}

TEST_F(FewOrManyRanks, OtherThanWithoutShards) {
  const auto shards = train(2, "--optimizer adam");
  const auto run = folder_ / "without";
  const auto outcome = run_program(
      {.arguments = words("train --virtual-shards 0 --global-batch-size 64 --epochs 2 "
                          "--train-samples 1501 --test-samples 500 --log-every 1 --hidden 128,64 "
                          "--optimizer adam --threads 1 --output-dir " +
                          run.string()),
       .ranks = 2});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  EXPECT_NE(numbers_of(run), shards) << "the shards make no difference: nothing is being tested";
}

TEST_F(FewOrManyRanks, RanksThatCannotShareTheShardsAreToldWhatWould) {
  const auto outcome =
      run_program({.arguments = words("train --synthetic --virtual-shards 8"), .ranks = 3});
  EXPECT_EQ(outcome.exit_code, 2);
  ASSERT_THAT(outcome.errors(), SizeIs(1));
  EXPECT_THAT(outcome.errors()[0], HasSubstr("start 1, 2, 4 or 8"));
}

}  // namespace
}  // namespace lockstep::tests

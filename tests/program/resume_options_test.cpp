// Which options count when a run goes on, or is repeated from its record.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "program.hpp"
#include "temporary_folder.hpp"

namespace lockstep::tests {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

class ResumeOptionsTest : public ::testing::Test {
 protected:
  const TemporaryFolder folder_;
  const fs::path run_ = folder_ / "run";

  /// Ten steps an epoch; no option has its default.
  static constexpr const char* kOptions =
      "--synthetic --train-samples 640 --test-samples 100 --hidden 16 --batch-size 32 --threads 1 "
      "--optimizer adamw --lr 0.002 --seed 3 --tail exact --log-every 3 --epochs 2 ";

  [[nodiscard]] Outcome train(const std::string& options, int ranks = 2) const {
    return run_program(
        {.arguments = words("train " + options), .ranks = ranks, .folder = folder_.path()});
  }
  static std::string digest_of(const fs::path& run) {
    return read_events(run, "run_end").back().at("parameters_sha256");
  }
  static nlohmann::json options_of(const fs::path& run) {
    return nlohmann::json::parse(read_bytes(run / "config.json")).at("options");
  }
};

TEST_F(ResumeOptionsTest, ResumeAutoTakesWhatIsNotGivenFromTheRunsRecord) {
  ASSERT_EQ(train(std::string(kOptions) + "--output-dir whole").exit_code, 0);
  ASSERT_EQ(train(std::string(kOptions) + "--output-dir run --max-steps 7").exit_code, 0);
  const auto outcome = train("--output-dir run --resume auto --epochs 2 --log-every 5");
  ASSERT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  EXPECT_THAT(outcome.standard_error,
              AllOf(HasSubstr("options taken from"), HasSubstr("--lr 0.002"),
                    HasSubstr("--log-every 5 (there 3)"), HasSubstr("going on from")));
  EXPECT_EQ(digest_of(run_), digest_of(folder_ / "whole"));
  EXPECT_EQ(options_of(run_).at("seed"), 3);
  EXPECT_EQ(options_of(run_).at("log_every"), 5);
}

TEST_F(ResumeOptionsTest, AnotherNumberOfRanksKeepsTheGlobalBatch) {
  ASSERT_EQ(train(std::string(kOptions) + "--output-dir run --max-steps 7").exit_code, 0);
  const auto file = (run_ / "checkpoints/latest").string();
  const auto outcome = train("--output-dir branch --max-steps 12 --resume " + file, 4);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  EXPECT_THAT(outcome.standard_error, HasSubstr("4 ranks × 16 = global batch 64"));
  EXPECT_THAT(outcome.standard_error, Not(HasSubstr("trains as one rank does")));
  EXPECT_EQ(read_events(folder_ / "branch", "run_end").back().at("steps"), 12);
}

TEST_F(ResumeOptionsTest, TheRecordRepeatsTheRun) {
  ASSERT_EQ(train(std::string(kOptions) + "--output-dir run").exit_code, 0);
  const auto outcome = train("--threads 1 --output-dir again --config run/config.json");
  ASSERT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  EXPECT_EQ(digest_of(folder_ / "again"), digest_of(run_));
}

TEST_F(ResumeOptionsTest, NesterovLabelSmoothingAndOneCycleGoOnFromTheRecord) {
  const std::string options =
      std::string(kOptions) +
      "--optimizer sgd --momentum 0.9 --nesterov --label-smoothing 0.1 --lr-schedule onecycle ";
  ASSERT_EQ(train(options + "--checkpoint-every 7 --output-dir run").exit_code, 0);
  EXPECT_EQ(options_of(run_).at("nesterov"), true);
  EXPECT_EQ(options_of(run_).at("label_smoothing"), 0.1);
  EXPECT_EQ(options_of(run_).at("lr_schedule"), "onecycle");
  const std::string from = " --resume run/checkpoints/step-00000007.safetensors ";
  const auto outcome = train("--output-dir branch" + from);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  EXPECT_EQ(options_of(folder_ / "branch").at("nesterov"), true);
  EXPECT_EQ(digest_of(folder_ / "branch"), digest_of(run_));
  const auto other = train("--output-dir other --label-smoothing 0.2" + from);
  EXPECT_EQ(other.exit_code, 3);
  EXPECT_THAT(other.standard_error, HasSubstr("label_smoothing is 0.1 there and 0.2 here"));
}

TEST_F(ResumeOptionsTest, ARunOfAdamWWithoutWeightDecayGoesOnWithoutIt) {
  // As versions recorded it by default.
  ASSERT_EQ(
      train(std::string(kOptions) + "--weight-decay 0 --output-dir run --max-steps 7").exit_code,
      0);
  EXPECT_EQ(train("--output-dir run --resume auto --max-steps 9").exit_code, 0);
  EXPECT_EQ(options_of(run_).at("weight_decay"), 0.0);
  // A checkpoint by itself has no record beside it.
  fs::create_directories(folder_ / "kept/here");
  fs::copy_file(run_ / "checkpoints/step-00000009.safetensors",
                folder_ / "kept/here/a.safetensors");
  const auto alone = train(std::string(kOptions) + "--max-steps 11 --output-dir branch --resume " +
                           (folder_ / "kept/here/a.safetensors").string());
  EXPECT_EQ(alone.exit_code, 0) << alone.standard_error;
  EXPECT_EQ(options_of(folder_ / "branch").at("weight_decay"), 0.0);
}

TEST_F(ResumeOptionsTest, TheRecordHoldsTheWeightDecayThatCounted) {
  ASSERT_EQ(train(std::string(kOptions) + "--output-dir run --max-steps 2").exit_code, 0);
  EXPECT_EQ(options_of(run_).at("weight_decay"), 0.01);
}

TEST_F(ResumeOptionsTest, AResumeAtAnEpochsEndTellsOfNoSecondEpoch) {
  ASSERT_EQ(train(std::string(kOptions) + "--output-dir run --checkpoint-every 10").exit_code, 0);
  const auto file = (run_ / "checkpoints/step-00000010.safetensors").string();
  const auto outcome = train("--output-dir branch --resume " + file);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  EXPECT_TRUE(outcome.standard_output.starts_with("Test Error:")) << outcome.standard_output;
  EXPECT_THAT(outcome.standard_output, AllOf(Not(HasSubstr("Epoch 1")), HasSubstr("Epoch 2\n")));
  EXPECT_THAT(outcome.standard_error, AllOf(Not(HasSubstr("epoch 1:")), HasSubstr("epoch 2:"),
                                            Not(HasSubstr(" 0 images/s"))));
  // What was trained of the first epoch stands in the record of the run that trained it.
  EXPECT_THAT(read_events(folder_ / "branch", "epoch"), SizeIs(1));
  EXPECT_EQ(digest_of(folder_ / "branch"), digest_of(run_));
}

TEST_F(ResumeOptionsTest, AtTheRunsEndOnlyTheTestLoopIsLeft) {
  ASSERT_EQ(train(std::string(kOptions) + "--output-dir run --checkpoint-every 10").exit_code, 0);
  const auto file = (run_ / "checkpoints/step-00000020.safetensors").string();
  const auto outcome = train("--output-dir branch --resume " + file);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  EXPECT_TRUE(outcome.standard_output.starts_with("Test Error:")) << outcome.standard_output;
  EXPECT_THAT(outcome.standard_error, Not(HasSubstr("slowest in the last epoch")));
}

}  // namespace
}  // namespace lockstep::tests

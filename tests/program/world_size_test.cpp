// The same global batch gives the same training, whatever the number of ranks.
#include <limits>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "program.hpp"
#include "temporary_folder.hpp"

namespace lockstep::tests {
namespace {

using Arguments = std::vector<std::string>;

struct Trace {
  std::vector<double> losses;
  std::vector<std::int64_t> samples;
  double accuracy = std::numeric_limits<double>::quiet_NaN();
  double average_loss = std::numeric_limits<double>::quiet_NaN();
};

class WorldSizeTest : public ::testing::Test {
 protected:
  const TemporaryFolder folder_;
  int runs_ = 0;

  Trace train(int ranks, const Arguments& more) {
    const auto output = folder_ / fmt::format("run{}", runs_++);
    Arguments arguments = {"train",        "--log-every",  "1", "--epochs", "1",
                           "--output-dir", output.string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const auto outcome = run_program(
        {.arguments = arguments, .ranks = ranks, .folder = folder_.path(), .timeout_seconds = 300});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.standard_error;
    Trace trace;
    for (const auto& event : read_events(output, "train")) {
      trace.losses.push_back(event["loss"]);
      trace.samples.push_back(event["samples"]);
    }
    for (const auto& event : read_events(output, "test")) {
      trace.accuracy = event["accuracy"];
      trace.average_loss = event["avg_loss"];
    }
    return trace;
  }

  static void expect_same(const Trace& a, const Trace& b, double tolerance) {
    ASSERT_EQ(a.samples, b.samples);
    for (std::size_t i = 0; i < a.losses.size(); ++i) {
      ASSERT_NEAR(a.losses[i], b.losses[i], tolerance * a.losses[i]) << "step " << i + 1;
    }
    EXPECT_NEAR(a.accuracy, b.accuracy, 0.001);
    EXPECT_NEAR(a.average_loss, b.average_loss, 1e-4);
  }
};

constexpr double kTolerance = 1e-4;

TEST_F(WorldSizeTest, OneToFourRanksTrainAlikeOverAnEpoch) {
  const Arguments common = {"--global-batch-size", "192", "--tail", "exact"};
  const auto one = train(1, common);
  EXPECT_EQ(one.samples.back(), 60000);
  for (const int ranks : {2, 3, 4}) expect_same(one, train(ranks, common), kTolerance);
}

TEST_F(WorldSizeTest, AlsoWithATailThatDoesNotDivide) {
  // 10007 is prime; the last step has 10007 mod 60 = 47 samples.
  const Arguments common = {"--global-batch-size", "60",   "--tail", "exact",
                            "--train-samples",     "10007"};
  const auto one = train(0, common);
  EXPECT_EQ(one.samples.back(), 10007);
  for (const int ranks : {2, 3, 4}) expect_same(one, train(ranks, common), kTolerance);
}

TEST_F(WorldSizeTest, ALastStepWithFewerSamplesThanRanks) {
  // 1 sample is left for the last step: three of four ranks have none.
  const Arguments common = {"--global-batch-size", "48", "--tail", "exact",
                            "--train-samples",     "961"};
  expect_same(train(1, common), train(4, common), kTolerance);
}

TEST_F(WorldSizeTest, AccumulationEqualsTheFullBatch) {
  const Arguments data = {"--train-samples", "5000", "--clip-grad-norm", "0.5"};
  const auto with = [&](Arguments more) {
    more.insert(more.end(), data.begin(), data.end());
    return more;
  };
  const auto full = train(1, with({"--batch-size", "96"}));
  expect_same(full, train(1, with({"--batch-size", "24", "--accumulate-steps", "4"})), kTolerance);
  expect_same(
      full,
      train(2, with({"--global-batch-size", "96", "--accumulate-steps", "3", "--tail", "exact"})),
      kTolerance);
}

TEST_F(WorldSizeTest, OverlapAndBucketsDoNotChangeTheResult) {
  const auto plain = train(2, {"--train-samples", "4000", "--overlap", "off"});
  expect_same(plain,
              train(2, {"--train-samples", "4000", "--overlap", "on", "--first-bucket-mb", "0.01",
                        "--bucket-mb", "0.5"}),
              kTolerance);
}

TEST_F(WorldSizeTest, ValidationFiguresDoNotDependOnTheNumberOfRanksEither) {
  const Arguments common = {"--validation-fraction", "0.1", "--train-samples", "3000",
                            "--global-batch-size",   "60",  "--tail",          "exact"};
  expect_same(train(1, common), train(3, common), kTolerance);
  const auto one = read_events(folder_ / "run0", "validation").at(0);
  const auto three = read_events(folder_ / "run1", "validation").at(0);
  EXPECT_EQ(one["samples"], 300);
  EXPECT_NEAR(one["avg_loss"], three["avg_loss"], 1e-4);
}

}  // namespace
}  // namespace lockstep::tests

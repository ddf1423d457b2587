#include <iterator>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <lockstep/train/learning_rate.hpp>

#include "golden.hpp"

namespace lockstep::train {
namespace {

class LearningRateTest : public ::testing::Test {
 protected:
  const nlohmann::json golden_ = tests::load_golden("pytorch.json", "schedules");
  const std::int64_t steps_ = golden_["steps"];
  const std::int64_t per_epoch_ = golden_["steps_per_epoch"];
  OptimizationOptions options_;
  LearningRateTest() { options_.lr = golden_["lr"]; }

  void expect_rates(const std::vector<double>& expected) {
    for (std::int64_t step = 1; step <= steps_; ++step) {
      const std::int64_t epoch = (step - 1) / per_epoch_ + 1;
      EXPECT_NEAR(learning_rate(options_, step, epoch, steps_),
                  expected[static_cast<std::size_t>(step - 1)], 1e-12)
          << "step " << step;
    }
  }
};

TEST_F(LearningRateTest, StepMatchesPyTorchsStepLR) {
  options_.lr_schedule = LearningRateSchedule::kStep;
  options_.lr_step_epochs = golden_["step"]["step_epochs"];
  options_.lr_gamma = golden_["step"]["gamma"];
  expect_rates(golden_["step"]["rates"]);
}

TEST_F(LearningRateTest, CosineMatchesPyTorchsCosineAnnealingLR) {
  options_.lr_schedule = LearningRateSchedule::kCosine;
  expect_rates(golden_["cosine"]);
}

TEST_F(LearningRateTest, LinearMatchesPyTorchsLinearLR) {
  options_.lr_schedule = LearningRateSchedule::kLinear;
  expect_rates(golden_["linear"]);
}

TEST(LearningRate, IsPyTorchsInEveryStepOfARun) {
  const std::map<std::string, LearningRateSchedule> schedules = {
      {"constant", LearningRateSchedule::kConstant},
      {"cosine", LearningRateSchedule::kCosine},
      {"linear", LearningRateSchedule::kLinear},
      {"onecycle", LearningRateSchedule::kOneCycle}};
  for (const auto& item : tests::load_golden("optimization.json", "schedules")) {
    SCOPED_TRACE(item["schedule"].dump() + ", " + item["steps"].dump() + " steps, warm-up " +
                 item["warmup_steps"].dump());
    OptimizationOptions options;
    options.lr_schedule = schedules.at(item["schedule"]);
    options.lr = item["lr"];
    options.warmup_steps = item["warmup_steps"];
    const std::int64_t steps = item["steps"];
    const std::vector<double> expected = item["rates"];
    ASSERT_EQ(std::ssize(expected), steps);
    for (std::int64_t step = 1; step <= steps; ++step) {
      const double rate = expected[static_cast<std::size_t>(step - 1)];
      // PyTorch computes a rate of cosine and linear from the one before.
      EXPECT_NEAR(learning_rate(options, step, 1, steps), rate, 1e-12 * rate) << "step " << step;
    }
  }
}

TEST_F(LearningRateTest, WarmsUpToTheFullRateAndThenFollowsTheSchedule) {
  options_.lr_schedule = LearningRateSchedule::kLinear;
  options_.warmup_steps = 4;
  EXPECT_DOUBLE_EQ(learning_rate(options_, 1, 1, 24), 0.025);
  EXPECT_DOUBLE_EQ(learning_rate(options_, 4, 1, 24), 0.1);
  EXPECT_DOUBLE_EQ(learning_rate(options_, 5, 1, 24), 0.1);
  EXPECT_DOUBLE_EQ(learning_rate(options_, 15, 3, 24), 0.05);
}

}  // namespace
}  // namespace lockstep::train

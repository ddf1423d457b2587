#include <algorithm>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include <lockstep/metrics/step_timer.hpp>

namespace lockstep::metrics {
namespace {

TEST(Percentile, IsTheNearestRank) {
  std::vector<double> values(100);
  std::iota(values.begin(), values.end(), 1.0);
  std::reverse(values.begin(), values.end());
  EXPECT_EQ(percentile(values, 50), 50);
  EXPECT_EQ(percentile(values, 95), 95);
  EXPECT_EQ(percentile(values, 99), 99);
  std::vector<double> one = {7};
  EXPECT_EQ(percentile(one, 99), 7);
  std::vector<double> none;
  EXPECT_EQ(percentile(none, 50), 0);
}

TEST(StepTimer, AveragesCommunicationOverSteps) {
  StepTimer timer;
  for (int step = 0; step < 4; ++step) {
    timer.begin_step();
    timer.add_communication(0.004, 0.001);
    timer.end_step();
  }
  EXPECT_NEAR(timer.summary().communication_ms, 4, 1e-9);
  EXPECT_NEAR(timer.summary().exposed_communication_ms, 1, 1e-9);
  timer.reset();
  EXPECT_EQ(timer.summary().communication_ms, 0);
}

TEST(StepTimer, PhasesAddUpToTheStepWithoutWhatIsExcluded) {
  StepTimer timer;
  timer.begin_step();
  timer.end_phase(StepTimer::Phase::kData);
  timer.end_phase(StepTimer::Phase::kBackward, 0.001);
  timer.add_communication(0.001, 0.001);
  timer.end_step();
  const auto times = timer.summary();
  EXPECT_LE(times.data_ms + times.backward_ms + times.exposed_communication_ms,
            times.step_ms_p50 + 1e-6);
}

}  // namespace
}  // namespace lockstep::metrics

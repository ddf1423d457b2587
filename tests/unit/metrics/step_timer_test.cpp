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
  EXPECT_NEAR(timer.summary().communication.mean, 4, 1e-9);
  EXPECT_NEAR(timer.summary().exposed_communication.mean, 1, 1e-9);
  timer.reset();
  EXPECT_EQ(timer.summary().communication.mean, 0);
}

TEST(StepTimer, GivesEachPhaseItsTimeWithoutWhatIsExcluded) {
  using std::chrono::milliseconds;
  StepTimer::Clock::time_point now;
  StepTimer timer([&] { return now; });
  for (const int scale : {1, 3}) {
    timer.begin_step();
    now += milliseconds(2 * scale);
    timer.end_phase(StepTimer::Phase::kData);
    now += milliseconds(5 * scale);
    timer.end_phase(StepTimer::Phase::kForward);
    now += milliseconds(10 * scale);
    timer.end_phase(StepTimer::Phase::kBackward, 0.004 * scale);
    timer.add_communication(0.006 * scale, 0.004 * scale);
    now += milliseconds(1 * scale);
    timer.end_phase(StepTimer::Phase::kOptimizer);
    timer.end_step();
  }
  const auto times = timer.summary();  // means of scales 1 and 3
  EXPECT_DOUBLE_EQ(times.data.mean, 4);
  EXPECT_DOUBLE_EQ(times.forward.mean, 10);
  EXPECT_DOUBLE_EQ(times.backward.mean, 12);
  EXPECT_DOUBLE_EQ(times.exposed_communication.mean, 8);
  EXPECT_DOUBLE_EQ(times.communication.mean, 12);
  EXPECT_DOUBLE_EQ(times.optimizer.mean, 2);
  EXPECT_DOUBLE_EQ(times.forward.p50, 5);
  EXPECT_DOUBLE_EQ(times.forward.p95, 15);
  EXPECT_DOUBLE_EQ(times.step.p50, 18);
  EXPECT_DOUBLE_EQ(times.step.p99, 54);
}

}  // namespace
}  // namespace lockstep::metrics

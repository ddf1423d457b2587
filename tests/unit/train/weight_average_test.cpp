// The moving average of the weights.
#include <vector>

#include <gtest/gtest.h>

#include <lockstep/train/flat_optimizer.hpp>

namespace lockstep::train {
namespace {

TEST(WeightAverage, IsTheWeightedSumOfAllPastWeights) {
  constexpr double kDecay = 0.9;
  torch::manual_seed(1);
  const auto parameters = torch::zeros({1000});
  WeightAverage average(kDecay, parameters);
  EXPECT_FALSE(average.values().defined());
  torch::Tensor expected;
  for (int step = 0; step < 20; ++step) {
    parameters.copy_(torch::randn({1000}));
    average.update();
    const auto now = parameters.to(torch::kFloat64);
    expected = expected.defined() ? kDecay * expected + (1 - kDecay) * now : now;
    EXPECT_TRUE(average.values().to(torch::kFloat64).allclose(expected, 1e-5, 1e-6)) << step;
    if (step == 0) {
      EXPECT_TRUE(average.values().equal(parameters));
    }
  }
}

TEST(WeightAverage, SwappingTwiceLeavesEveryBit) {
  torch::manual_seed(2);
  const auto parameters = torch::randn({333});
  const auto first = parameters.clone();
  WeightAverage average(0.5, parameters);
  average.update();
  parameters.mul_(3);
  const auto now = parameters.clone();
  average.update();
  const auto mean = average.values().clone();
  EXPECT_FALSE(mean.equal(first));
  average.swap();
  EXPECT_TRUE(parameters.equal(mean));
  EXPECT_TRUE(average.values().equal(now));
  average.swap();
  EXPECT_TRUE(parameters.equal(now));
  EXPECT_TRUE(average.values().equal(mean));
}

TEST(WeightAverage, FollowsTheOptimizerAndChangesNothingOfIt) {
  for (const char* optimizer : {"sgd", "adam"}) {
    OptimizationOptions options;
    options.optimizer = optimizer;
    options.lr = 0.1;
    const auto plain = torch::linspace(-1, 1, 20);
    const auto averaged = plain.clone();
    auto plain_gradients = torch::zeros({20});
    auto averaged_gradients = torch::zeros({20});
    FlatOptimizer without(options, plain, plain_gradients);
    EXPECT_EQ(without.average(), nullptr);
    options.ema_decay = 0.5;
    FlatOptimizer with(options, averaged, averaged_gradients);
    std::vector<torch::Tensor> weights;
    torch::manual_seed(3);
    for (int step = 0; step < 3; ++step) {
      const auto gradients = torch::randn({20});
      plain_gradients.copy_(gradients);
      averaged_gradients.copy_(gradients);
      without.step(options.lr);
      with.step(options.lr);
      EXPECT_TRUE(averaged.equal(plain)) << optimizer;
      weights.push_back(averaged.clone());
    }
    const auto expected = 0.25 * weights[0] + 0.25 * weights[1] + 0.5 * weights[2];
    EXPECT_TRUE(with.average()->values().allclose(expected, 1e-6, 1e-7)) << optimizer;
  }
}

}  // namespace
}  // namespace lockstep::train

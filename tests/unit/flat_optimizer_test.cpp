#include <map>

#include <gtest/gtest.h>

#include <lockstep/train/flat_optimizer.hpp>

#include "golden.hpp"

namespace lockstep::train {
namespace {

std::vector<float> joined(const nlohmann::json& parts) {
  std::vector<float> all;
  for (const auto& part : parts) {
    const std::vector<float> values = part;
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

TEST(FlatOptimizer, GivesEachParameterWhatPyTorchGivesItAlone) {
  const std::map<std::string, Optimizer> kinds = {{"sgd", Optimizer::kSgd},
                                                  {"adam", Optimizer::kAdam},
                                                  {"adamw", Optimizer::kAdamW},
                                                  {"rmsprop", Optimizer::kRmsProp}};
  for (const auto& item : tests::load_golden("pytorch.json", "optimizers")) {
    SCOPED_TRACE(item["optimizer"].dump() + ", clipping at " + item["clip_grad_norm"].dump());
    OptimizationOptions options;
    options.optimizer = kinds.at(item["optimizer"]);
    options.momentum = item["momentum"];
    options.weight_decay = item["weight_decay"];
    options.clip_grad_norm = item["clip_grad_norm"];
    const auto parameters = torch::tensor(joined(item["start"]));
    auto gradients = torch::zeros_like(parameters);
    FlatOptimizer optimizer(options, parameters, gradients);
    for (const auto& step : item["gradients"]) {
      gradients.copy_(torch::tensor(joined(step)));
      optimizer.step(item["lr"]);
    }
    const auto expected = torch::tensor(joined(item["result"]));
    EXPECT_TRUE(parameters.allclose(expected, 1e-5, 1e-6)) << parameters << expected;
  }
}

TEST(FlatOptimizer, GoesOnFromItsStateBitForBit) {
  for (const auto optimizer :
       {Optimizer::kSgd, Optimizer::kAdam, Optimizer::kAdamW, Optimizer::kRmsProp}) {
    for (const double momentum : {0.0, 0.9}) {
      OptimizationOptions options;
      options.optimizer = optimizer;
      options.weight_decay = 0.01;
      const bool has_momentum = optimizer == Optimizer::kSgd || optimizer == Optimizer::kRmsProp;
      options.momentum = has_momentum ? momentum : 0.0;
      const auto straight = torch::linspace(-1, 1, 50);
      const auto stopped = straight.clone();
      auto gradients = torch::zeros_like(straight);
      FlatOptimizer whole(options, straight, gradients);
      FlatOptimizer first(options, stopped, gradients);
      torch::manual_seed(3);
      const auto step = [&](FlatOptimizer& a, FlatOptimizer& b) {
        gradients.copy_(torch::randn({50}));
        a.step(0.01);
        b.step(0.01);
      };
      for (int i = 0; i < 3; ++i) step(whole, first);
      const auto state = first.state();
      EXPECT_EQ(state.size(), first.state_names().size());
      FlatOptimizer second(options, stopped, gradients);
      second.restore(state, 3);
      for (int i = 0; i < 3; ++i) step(whole, second);
      EXPECT_TRUE(stopped.equal(straight)) << static_cast<int>(optimizer) << ", " << momentum;
    }
  }
}

}  // namespace
}  // namespace lockstep::train

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

}  // namespace
}  // namespace lockstep::train

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

void expect_result(const nlohmann::json& item, const OptimizationOptions& options) {
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

TEST(FlatOptimizer, DefaultsArePyTorchsForEachOptimizer) {
  const auto golden = tests::load_golden("pytorch.json", "optimizer_defaults");
  ASSERT_EQ(golden["cases"].size(), optimizer_kinds().size());
  for (const auto& item : golden["cases"]) {
    SCOPED_TRACE(item["optimizer"].dump());
    OptimizationOptions options;
    options.optimizer = item["optimizer"].get<std::string>();
    expect_result(item, options);
  }
}

TEST(FlatOptimizer, AWeightDecayOf0IsNoDefault) {
  OptimizationOptions options;
  options.optimizer = "adamw";
  EXPECT_EQ(weight_decay_of(options), 0.01);
  options.weight_decay = 0;
  EXPECT_EQ(weight_decay_of(options), 0);
}

TEST(FlatOptimizer, GivesEachParameterWhatPyTorchGivesItAlone) {
  for (const auto& item : tests::load_golden("pytorch.json", "optimizers")) {
    SCOPED_TRACE(item["optimizer"].dump() + ", clipping at " + item["clip_grad_norm"].dump());
    OptimizationOptions options;
    options.optimizer = item["optimizer"].get<std::string>();
    options.momentum = item["momentum"];
    options.weight_decay = item["weight_decay"];
    options.clip_grad_norm = item["clip_grad_norm"];
    expect_result(item, options);
  }
}

TEST(FlatOptimizer, NesterovMomentumIsPyTorchs) {
  for (const auto& item : tests::load_golden("optimization.json", "nesterov")) {
    SCOPED_TRACE("weight decay " + item["weight_decay"].dump() + ", clipping at " +
                 item["clip_grad_norm"].dump());
    OptimizationOptions options;
    options.momentum = item["momentum"];
    options.nesterov = true;
    options.weight_decay = item["weight_decay"];
    options.clip_grad_norm = item["clip_grad_norm"];
    ASSERT_EQ(item["gradients"].size(), 5);
    expect_result(item, options);
  }
}

TEST(FlatOptimizer, ClearsGradientsInThePassOfPlainSgdAndRoundsAsLibTorchDoes) {
  for (const std::int64_t elements : {1, 7, 16, 33, 100'003}) {
    for (const double clip_grad_norm : {0.0, 0.5}) {
      OptimizationOptions options;
      options.clip_grad_norm = clip_grad_norm;
      torch::manual_seed(elements);
      const auto kept = torch::randn({elements});
      const auto cleared = kept.clone();
      auto kept_gradients = torch::empty({elements});
      auto cleared_gradients = torch::empty({elements});
      FlatOptimizer keeping(options, kept, kept_gradients);
      keeping.keep_gradients();
      FlatOptimizer clearing(options, cleared, cleared_gradients);
      EXPECT_FALSE(keeping.clears_gradients());
      EXPECT_TRUE(clearing.clears_gradients());
      for (int step = 0; step < 3; ++step) {
        const auto gradients = torch::randn({elements});
        kept_gradients.copy_(gradients);
        cleared_gradients.copy_(gradients);
        keeping.step(0.03);
        clearing.step(0.03);
        EXPECT_TRUE(cleared.equal(kept)) << elements << " elements, step " << step;
        EXPECT_EQ(cleared_gradients.count_nonzero().item<std::int64_t>(), 0);
      }
    }
  }
}

TEST(FlatOptimizer, KeepsGradientsOfWhatIsNoPlainSgd) {
  const auto clears = [](const OptimizationOptions& options) {
    const auto parameters = torch::zeros({3});
    return FlatOptimizer(options, parameters, torch::zeros({3})).clears_gradients();
  };
  OptimizationOptions options;
  EXPECT_TRUE(clears(options));
  options.momentum = 0.9;
  EXPECT_FALSE(clears(options));
  options = {};
  options.weight_decay = 0.1;
  EXPECT_FALSE(clears(options));
  options = {};
  options.optimizer = "adam";
  EXPECT_FALSE(clears(options));
}

/// Every kind of optimizer, with every kind of momentum that it takes.
std::vector<OptimizationOptions> all_optimizers() {
  std::vector<OptimizationOptions> all;
  for (const auto& kind : optimizer_kinds()) {
    OptimizationOptions options;
    options.optimizer = kind.name;
    options.weight_decay = 0.01;
    options.ema_decay = 0.75;
    all.push_back(options);
    options.momentum = 0.9;
    if (kind.takes_momentum) all.push_back(options);
    options.nesterov = true;
    if (kind.takes_nesterov) all.push_back(options);
  }
  return all;
}

TEST(FlatOptimizer, GoesOnFromItsStateBitForBit) {
  for (const auto& options : all_optimizers()) {
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
    EXPECT_TRUE(stopped.equal(straight))
        << options.optimizer << ", momentum " << options.momentum << ", " << options.nesterov;
    EXPECT_TRUE(second.average()->values().equal(whole.average()->values()));
  }
}

}  // namespace
}  // namespace lockstep::train

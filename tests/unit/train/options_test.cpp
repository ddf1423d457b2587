#include <gtest/gtest.h>

#include <lockstep/base/error.hpp>
#include <lockstep/train/optimizer_kind.hpp>
#include <lockstep/train/options.hpp>

#include "expect_error.hpp"

namespace lockstep::train {
namespace {

void expect_refused(const TrainOptions& options, std::initializer_list<std::string_view> mentions) {
  tests::expect_error<UsageError>([&] { check_combinations(options); }, mentions);
}

TEST(CheckCombinations, DefaultsGoTogether) {
  EXPECT_NO_THROW(check_combinations({}));
}

TEST(CheckCombinations, OneBatchSize) {
  TrainOptions both;
  both.sampling.batch_size = 64;
  both.sampling.global_batch_size = 64;
  expect_refused(both, {"(batch_size)", "(global_batch_size)"});
}

TEST(CheckCombinations, MomentumIsForOptimizersThatTakeIt) {
  TrainOptions adam;
  adam.optimization.optimizer = "adam";
  adam.optimization.momentum = 0.9;
  expect_refused(adam, {"(momentum)", "adam"});
}

TEST(CheckCombinations, NesterovMomentumIsSgdsAndNeedsAMomentum) {
  for (const auto& kind : optimizer_kinds()) {
    TrainOptions options;
    options.optimization.optimizer = kind.name;
    options.optimization.nesterov = true;
    options.optimization.momentum = kind.takes_momentum ? 0.9 : 0.0;
    if (kind.name == "sgd") {
      EXPECT_NO_THROW(check_combinations(options));
      options.optimization.momentum = 0;
      expect_refused(options, {"momentum above 0", "(nesterov)", "(momentum)"});
    } else {
      expect_refused(options, {"optimizer sgd", kind.name, "(nesterov)", "(optimizer)"});
    }
  }
}

TEST(CheckCombinations, OneCycleHasItsOwnWarmUp) {
  TrainOptions options;
  options.optimization.lr_schedule = LearningRateSchedule::kOneCycle;
  EXPECT_NO_THROW(check_combinations(options));
  options.optimization.warmup_steps = 1;
  expect_refused(options, {"onecycle", "(lr_schedule)", "(warmup_steps)"});
  options.optimization.lr_schedule = LearningRateSchedule::kCosine;
  EXPECT_NO_THROW(check_combinations(options));
}

}  // namespace
}  // namespace lockstep::train

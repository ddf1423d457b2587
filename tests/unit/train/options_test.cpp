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

TEST(CheckCombinations, LabelSmoothingIsForCrossEntropy) {
  TrainOptions options;
  options.model.label_smoothing = 0.1;
  EXPECT_NO_THROW(check_combinations(options));
  for (const auto loss : {model::Loss::kNll, model::Loss::kMse, model::Loss::kL1}) {
    options.model.loss = loss;
    expect_refused(options, {"cross-entropy", "(label_smoothing)", "(loss)"});
  }
}

ModelOptions with_loss(model::Loss loss) {
  ModelOptions options;
  options.loss = loss;
  return options;
}

TEST(CheckLoss, FitsTheTargets) {
  using model::Loss;
  const data::SampleSpec classes{.target = data::ClassTarget{.classes = 3}};
  const data::SampleSpec numbers{.target = data::NumberTarget{.shape = {2}}};
  for (const auto loss : {Loss::kCrossEntropy, Loss::kNll, Loss::kMse}) {
    EXPECT_NO_THROW(check_loss(with_loss(loss), classes));
  }
  for (const auto loss : {Loss::kMse, Loss::kL1}) {
    EXPECT_NO_THROW(check_loss(with_loss(loss), numbers));
  }
  const auto refuse = [](const ModelOptions& options, const data::SampleSpec& spec,
                         std::initializer_list<std::string_view> mentions) {
    tests::expect_error<UsageError>([&] { check_loss(options, spec); }, mentions);
  };
  refuse(with_loss(Loss::kL1), classes, {"targets are classes", "l1", "(loss)"});
  refuse(with_loss(Loss::kNll), numbers, {"targets are numbers", "mse or l1", "(loss)"});
}

TEST(CheckLoss, LabelSmoothingIsForCrossEntropyAndClasses) {
  const data::SampleSpec classes{.target = data::ClassTarget{.classes = 3}};
  const data::SampleSpec numbers{.target = data::NumberTarget{}};
  ModelOptions options;
  options.label_smoothing = 0.1;
  EXPECT_NO_THROW(check_loss(options, classes));
  tests::expect_error<UsageError>(
      [&] { check_loss(options, numbers); },
      {"targets are numbers", "leave out label smoothing", "(label_smoothing)", "(loss)"});
  options.loss = model::Loss::kMse;
  for (const auto& spec : {classes, numbers}) {
    tests::expect_error<UsageError>([&] { check_loss(options, spec); },
                                    {"cross-entropy", "(label_smoothing)"});
  }
}

}  // namespace
}  // namespace lockstep::train

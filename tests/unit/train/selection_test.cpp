// The metrics by which a run keeps its best checkpoint, or ends early.
#include <cmath>
#include <limits>
#include <string>

#include <gtest/gtest.h>

#include <lockstep/train/selection.hpp>

namespace lockstep::train {
namespace {

using Set = metrics::Evaluation::Set;

metrics::Evaluation test_of(std::int64_t step, double loss, std::int64_t correct = 0) {
  return {.step = step, .correct = correct, .samples = 10, .average_loss = loss};
}

TEST(Selection, NamesGoBothWays) {
  for (const char* name :
       {"validation/accuracy", "validation/avg_loss", "test/accuracy", "test/avg_loss"}) {
    const auto metric = metric_named(name);
    ASSERT_TRUE(metric) << name;
    EXPECT_EQ(name_of(*metric), name);
  }
  EXPECT_FALSE(metric_named("test/loss"));
  EXPECT_FALSE(metric_named(""));
}

TEST(Selection, KeepsTheFirstOfEqualValuesAndCountsTheRest) {
  const Metric loss = {Set::kTest, false};
  Best best;
  const double losses[] = {3, 2, 2.5, 2, 1, 1};
  const bool better[] = {true, true, false, false, true, false};
  const std::int64_t worse[] = {0, 0, 1, 2, 0, 1};
  for (std::int64_t i = 0; i < 6; ++i) {
    const auto evaluation = test_of(10 * (i + 1), losses[i]);
    EXPECT_EQ(improves(evaluation, loss, best), better[i]) << i;
    count(evaluation, loss, best);
    EXPECT_EQ(best.worse_in_a_row, worse[i]) << i;
  }
  EXPECT_EQ(best.value, 1);
  EXPECT_EQ(best.steps, 50);
  EXPECT_FALSE(ends({loss, 2}, best));
  EXPECT_TRUE(ends({loss, 1}, best));
}

TEST(Selection, MoreAccuracyIsBetter) {
  const Metric accuracy = {Set::kTest, true};
  Best best;
  count(test_of(1, 9, 5), accuracy, best);
  EXPECT_EQ(best.value, 0.5);
  EXPECT_FALSE(improves(test_of(2, 1, 4), accuracy, best));
  EXPECT_TRUE(improves(test_of(2, 99, 6), accuracy, best));
}

TEST(Selection, TheOtherSetAndWhatIsNoNumberDoNotCount) {
  const Metric loss = {Set::kTest, false};
  Best best;
  auto validation = test_of(1, 0.5);
  validation.set = Set::kValidation;
  EXPECT_FALSE(improves(validation, loss, best));
  count(validation, loss, best);
  EXPECT_EQ(best, Best());
  for (const double value : {std::nan(""), std::numeric_limits<double>::infinity()}) {
    EXPECT_FALSE(improves(test_of(1, value), loss, best));
  }
  count(test_of(1, 2), loss, best);
  count(test_of(2, std::nan("")), loss, best);
  EXPECT_EQ(best.value, 2);
  EXPECT_EQ(best.worse_in_a_row, 1);
}

TEST(Selection, AnEvaluationThatAResumedRunRepeatsCountsOnce) {
  const EarlyStop stop = {{Set::kTest, false}, 2};
  Best best;
  count(test_of(10, 1), stop.metric, best);
  count(test_of(20, 2), stop.metric, best);
  const auto saved = best;
  count(test_of(20, 2), stop.metric, best);
  EXPECT_EQ(best, saved);
  EXPECT_FALSE(ends(stop, best));
  count(test_of(30, 2), stop.metric, best);
  EXPECT_TRUE(ends(stop, best));
}

TEST(Selection, AnotherMetricStartsAnew) {
  Best best;
  count(test_of(10, 0.25, 9), {Set::kTest, false}, best);
  const Metric accuracy = {Set::kTest, true};
  EXPECT_FALSE(ends({accuracy, 1}, best));
  EXPECT_TRUE(improves(test_of(20, 9, 1), accuracy, best));
  count(test_of(20, 9, 1), accuracy, best);
  EXPECT_EQ(best.metric, "test/accuracy");
  EXPECT_EQ(best.value, 0.1);
}

TEST(Selection, ComesBackFromJsonBitForBit) {
  const Best best = {.metric = "validation/accuracy",
                     .value = 1.0 / 3,
                     .steps = 7,
                     .worse_in_a_row = 2,
                     .counted_steps = 9};
  for (const auto& one : {best, Best()}) {
    nlohmann::ordered_json json = one;
    EXPECT_EQ(nlohmann::ordered_json::parse(json.dump()).get<Best>(), one);
  }
}

}  // namespace
}  // namespace lockstep::train

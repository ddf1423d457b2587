// A sweep whose times are made by hand, so that every figure of the report is known.
#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <lockstep/report/prediction.hpp>
#include <lockstep/report/scaling.hpp>
#include <lockstep/report/scaling_tables.hpp>

namespace lockstep::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

// A machine: a step of b images takes 1 + b/32 ms on a rank alone, 10 % more with busy neighbours.
// Ranks then wait 0.2 ms for the slowest, and the all-reduce takes 0.3 ms.
constexpr double kFixed = 1;
constexpr double kAnImage = 1.0 / 32;
constexpr double kNeighbours = 1.1;
constexpr double kWait = 0.2;
constexpr double kAllReduce = 0.3;

double alone_ms(std::int64_t batch) {
  return kFixed + kAnImage * static_cast<double>(batch);
}

StepRun run(double step_ms, double images) {
  StepRun made{.file = "made",
               .device_name = "a CPU",
               .versions = "",
               .precision = "fp32",
               .optimizer = "sgd",
               .gradient_bytes = 1'000'000};
  made.images_per_second = images / step_ms * 1000;
  made.step_ms = made.step_ms_p50 = made.step_ms_p95 = made.step_ms_p99 = step_ms;
  made.losses = {2.3, 2.2, 2.1};
  made.ranks = {{"host", step_ms, 0}};
  made.step_ms_series = {step_ms};
  return made;
}

void add_single(Sweep& sweep, std::int64_t batch, int threads = 1, double faster = 1) {
  const StepSettings settings{
      .threads = threads, .batch_size = batch, .global_batch_size = batch, .hidden = "512"};
  sweep.steps[settings] = {run(alone_ms(batch) / faster, static_cast<double>(batch))};
}

void add_ranks(Sweep& sweep, int ranks, std::int64_t batch) {
  StepSettings settings{
      .ranks = ranks, .batch_size = batch, .global_batch_size = batch * ranks, .hidden = "512"};
  const auto images = static_cast<double>(batch * ranks);
  auto together = run(kNeighbours * alone_ms(batch) + kWait + kAllReduce, images);
  together.parts.communication = 2 * (kWait + kAllReduce);
  together.parts.exposed_communication = kWait + kAllReduce;
  together.parts.wait_for_slowest = kWait;
  sweep.steps[settings] = {together};
  settings.independent = true;
  settings.global_batch_size = batch;
  sweep.steps[settings] = {run(kNeighbours * alone_ms(batch), images)};
}

/// One rank at 16 to 128 images; two ranks of 32 and of 64.
Sweep made_sweep() {
  Sweep sweep;
  for (const std::int64_t batch : {16, 32, 64, 128}) add_single(sweep, batch);
  add_ranks(sweep, 2, 32);
  add_ranks(sweep, 2, 64);
  sweep.plan = SweepPlan{.weak_batch_sizes = {64}, .strong_global_batch_sizes = {64}};
  // As the shared-memory formula has it: 0.3 ms for the gradient of 1 MB at 2 ranks.
  for (const std::int64_t bytes : {250'000, 1'000'000, 4'000'000}) {
    sweep.all_reduces.push_back(
        {.ranks = 2, .bytes = bytes, .microseconds = 300.0 * static_cast<double>(bytes) / 1e6});
  }
  return sweep;
}

const Series& series_of(const std::vector<Series>& all, Scaling scaling) {
  for (const auto& series : all) {
    if (series.scaling == scaling) return series;
  }
  throw std::logic_error("no such series");
}

TEST(Scaling, OneRankIsHundredPercentAndTwoAreComparedWithIt) {
  const auto all = analyse(made_sweep());
  ASSERT_THAT(all, SizeIs(2));
  const auto& weak = series_of(all, Scaling::kWeak);
  ASSERT_THAT(weak.points, SizeIs(2));
  EXPECT_EQ(weak.points[0].efficiency.median, 1);
  EXPECT_EQ(weak.points[0].speed_up.median, 1);
  const double step_ms = 1.1 * 3 + 0.5;
  EXPECT_NEAR(weak.points[1].efficiency.median, 3 / step_ms, 1e-9);
  EXPECT_NEAR(weak.points[1].speed_up.median, 2 * 3 / step_ms, 1e-9);
  const auto& strong = series_of(all, Scaling::kStrong);
  ASSERT_THAT(strong.points, SizeIs(2));
  EXPECT_NEAR(strong.points[1].speed_up.median, 3 / (1.1 * 2 + 0.5), 1e-9);
  EXPECT_NEAR(*strong.points[1].hidden_communication(), 0.5, 1e-9);
  EXPECT_FALSE(strong.points[0].hidden_communication());
}

TEST(Scaling, TheLostTimeIsSplitIntoWhatItWasMadeOf) {
  const auto all = analyse(made_sweep());
  const auto& weak = series_of(all, Scaling::kWeak).points[1];
  EXPECT_NEAR(*weak.lost.smaller_batches, 0, 1e-9);
  EXPECT_NEAR(*weak.lost.shared_machine, 0.3, 1e-9);
  EXPECT_NEAR(weak.lost.wait_for_slowest, kWait, 1e-9);
  EXPECT_NEAR(weak.lost.communication, kAllReduce, 1e-9);
  EXPECT_NEAR(weak.lost.rest, 0, 1e-9);
  EXPECT_NEAR(weak.lost.total(), weak.step_ms - 3, 1e-9);
  // 32 images take 2 ms, not half of the 3 that 64 take.
  const auto& strong = series_of(all, Scaling::kStrong).points[1];
  EXPECT_NEAR(*strong.lost.smaller_batches, 0.5, 1e-9);
  EXPECT_NEAR(*strong.lost.shared_machine, 0.2, 1e-9);
  EXPECT_NEAR(strong.lost.total(), strong.step_ms - 1.5, 1e-9);
}

TEST(Scaling, WhatWasNotMeasuredIsNotSplitOff) {
  auto sweep = made_sweep();
  std::erase_if(sweep.steps, [](const auto& item) { return item.first.independent; });
  const auto all = analyse(sweep);
  const auto& weak = series_of(all, Scaling::kWeak).points[1];
  EXPECT_FALSE(weak.lost.shared_machine);
  EXPECT_NEAR(weak.lost.rest, 0.3, 1e-9);
  EXPECT_NEAR(weak.lost.total(), weak.step_ms - 3, 1e-9);
}

TEST(Scaling, OneProcessWithAllCoresIsComparedAsWell) {
  auto sweep = made_sweep();
  add_single(sweep, 64, 2, 1.6);
  add_single(sweep, 128, 2, 1.6);
  const auto all = analyse(sweep);
  const auto& strong = series_of(all, Scaling::kStrong);
  EXPECT_NEAR(*strong.points[0].speed_up_against_all_cores, 1 / 1.6, 1e-9);
  EXPECT_NEAR(*strong.points[1].speed_up_against_all_cores, 3 / 2.7 / 1.6, 1e-9);
  EXPECT_EQ(strong.points[1].efficiency.median, strong.points[1].speed_up.median / 2);
}

TEST(Scaling, LossesAreThoseOfOneRankOrThePointIsWrong) {
  auto sweep = made_sweep();
  const auto check = [&] { return series_of(analyse(sweep), Scaling::kWeak).points[1].loss_check; };
  const StepSettings two{.ranks = 2, .batch_size = 64, .global_batch_size = 128, .hidden = "512"};
  EXPECT_EQ(check(), LossCheck::kRight);
  sweep.steps[two][0].losses[1] *= 1 + 5e-5;
  EXPECT_EQ(check(), LossCheck::kRight);
  sweep.steps[two][0].losses[1] *= 1 + 2e-4;
  EXPECT_EQ(check(), LossCheck::kWrong);
  sweep.steps[two][0].losses[1] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(check(), LossCheck::kWrong);
  sweep.steps[two][0].losses.clear();
  EXPECT_EQ(check(), LossCheck::kWrong);
  std::erase_if(sweep.steps, [](const auto& item) {
    return item.first.ranks == 1 && item.first.batch_size == 128;
  });
  EXPECT_EQ(check(), LossCheck::kNoReference);
}

TEST(Scaling, NoiseThatHidesTheAnswerIsMarked) {
  auto sweep = made_sweep();
  const StepSettings two{.ranks = 2, .batch_size = 64, .global_batch_size = 128, .hidden = "512"};
  auto& runs = sweep.steps[two];
  EXPECT_FALSE(series_of(analyse(sweep), Scaling::kWeak).points[1].noisy);
  runs.push_back(run(6, 128));
  EXPECT_TRUE(series_of(analyse(sweep), Scaling::kWeak).points[1].noisy);
  EXPECT_THAT(scaling_text(make_report(sweep, {})), HasSubstr("2 ~"));
}

TEST(Scaling, ThePlanSaysWhichSeriesWereMeant) {
  auto sweep = made_sweep();
  sweep.plan->strong_global_batch_sizes.clear();
  EXPECT_THAT(analyse(sweep), SizeIs(1));
  sweep.plan.reset();
  EXPECT_THAT(analyse(sweep), SizeIs(4));  // weak 32 and 64, strong 64 and 128
}

TEST(Prediction, FollowsTheMachineThatItWasFittedTo) {
  const auto sweep = made_sweep();
  const auto all = analyse(sweep);
  const auto model = fit_scaling(sweep, series_of(all, Scaling::kWeak));
  ASSERT_TRUE(model);
  EXPECT_NEAR(model->compute_ms.intercept, kFixed, 1e-6);
  EXPECT_NEAR(model->compute_ms.slope, kAnImage, 1e-9);
  EXPECT_NEAR(model->shared_machine, kNeighbours, 1e-6);
  // At 4 ranks memory moves 5 vectors, where at 2 it was 3. Half of the all-reduce is hidden.
  const auto four = model->predict(4);
  EXPECT_NEAR(four.all_reduce_ms, 0.3 * 5 / 3, 1e-6);
  EXPECT_NEAR(four.step_ms.value, 3.3 + kWait + 0.5 * 0.3 * 5 / 3, 1e-6);
  EXPECT_NEAR(four.efficiency.value, 3 / four.step_ms.value, 1e-9);
  EXPECT_TRUE(four.beyond_ranks);
  EXPECT_FALSE(four.beyond_batches);
  EXPECT_FALSE(model->predict(2).beyond_ranks);
  // The made point's all-reduce was not hidden at all, so the model is off by that: and says so.
  const double measured = 3.3 + kWait + kAllReduce;
  const double predicted = 3.3 + kWait + kAllReduce / 2;
  EXPECT_NEAR(model->worst_error, 1 - predicted / measured, 1e-6);
  EXPECT_LE(four.step_ms.low, four.step_ms.value / (1 + model->worst_error));
  EXPECT_GE(four.step_ms.high, measured / predicted * four.step_ms.value - 1e-9);
}

/// Times that no line goes through: the middle size takes three times what its neighbours say.
void spoil_all_reduces(Sweep& sweep) {
  for (auto& time : sweep.all_reduces) {
    if (time.bytes == 1'000'000) time.microseconds *= 3;
  }
}

TEST(Prediction, CarriesTheErrorOfTheAllReduce) {
  auto sweep = made_sweep();
  spoil_all_reduces(sweep);
  const auto model = fit_scaling(sweep, series_of(analyse(sweep), Scaling::kWeak));
  ASSERT_TRUE(model);
  const double error = model->all_reduce.worst_relative_error;
  ASSERT_GT(error, 0.4);
  // At 2 ranks, where its growth does not matter: the spoiled time itself lies in the interval.
  const auto two = model->predict(2);
  EXPECT_LE(two.all_reduce_ms_low, 0.3);
  EXPECT_GE(two.all_reduce_ms_high, 0.9 - 1e-9);
  // What an all-reduce takes longer finds nothing more to hide behind.
  EXPECT_GE(two.step_ms.high,
            two.step_ms.value + two.all_reduce_ms_high - two.all_reduce_ms - 1e-9);
  EXPECT_LT(two.step_ms.low, two.step_ms.value);
  EXPECT_NEAR(two.efficiency.low, two.efficiency.value * two.step_ms.value / two.step_ms.high,
              1e-9);
  EXPECT_NEAR(two.images_per_second.high,
              two.images_per_second.value * two.step_ms.value / two.step_ms.low, 1e-6);
}

TEST(Prediction, SpansWhatOneNumberOfRanksLeavesOpen) {
  const auto sweep = made_sweep();  // an exact fit, at 2 ranks
  const auto series = series_of(analyse(sweep), Scaling::kWeak);
  const auto eight = fit_scaling(sweep, series)->predict(8);
  // Shared memory moves 9 vectors instead of 3, a ring 1.75 instead of 1.
  EXPECT_NEAR(eight.all_reduce_ms, 0.3 * 3, 1e-6);
  EXPECT_LE(eight.all_reduce_ms_low, 0.3 * 1.75 + 1e-6);
  EXPECT_GT(eight.step_ms.high / eight.step_ms.low, 1.04);
  // Whoever names the algorithm knows how it grows, and times at 4 ranks say it.
  const auto known = fit_scaling(sweep, series, AllReduceAlgorithm::kSharedMemory)->predict(8);
  EXPECT_NEAR(known.all_reduce_ms_low, known.all_reduce_ms, 1e-6);
  auto more = sweep;
  for (const std::int64_t bytes : {250'000, 1'000'000, 4'000'000}) {
    more.all_reduces.push_back(
        {.ranks = 4, .bytes = bytes, .microseconds = 500.0 * static_cast<double>(bytes) / 1e6});
  }
  EXPECT_NEAR(fit_scaling(more, series)->predict(8).all_reduce_ms_low, 0.3 * 3, 1e-6);
}

TEST(ScalingTables, SayWhatWasNeverMeasured) {
  auto report = make_report(made_sweep(), {2, 8});
  auto text = scaling_text(report);
  EXPECT_THAT(text, HasSubstr("fitted at 2 ranks only"));
  EXPECT_THAT(text, HasSubstr("* never measured: an all-reduce at 4, 8 ranks"));
  EXPECT_THAT(text, HasSubstr("span the predictions of all algorithms"));
  report = make_report(made_sweep(), {8}, AllReduceAlgorithm::kRing);
  EXPECT_THAT(scaling_text(report), HasSubstr("* never measured"));
  EXPECT_THAT(scaling_text(report), Not(HasSubstr("span the predictions")));
}

TEST(ScalingTables, MarkAPointThatWasMeasuredOnce) {
  auto sweep = made_sweep();
  auto text = scaling_text(make_report(sweep, {}));
  EXPECT_THAT(text, HasSubstr("1 ~"));
  EXPECT_THAT(text, HasSubstr("2 ~"));
  EXPECT_THAT(text, HasSubstr("78.9 [?]"));
  EXPECT_THAT(text, HasSubstr("~ [?] measured once"));
  auto point = scaling_json(make_report(sweep, {})).at("series")[0].at("points")[1];
  EXPECT_TRUE(point.at("efficiency_low").is_null());
  EXPECT_TRUE(point.at("images_per_second_high").is_null());
  EXPECT_EQ(point.at("interval_confidence"), 0);

  for (auto& [settings, runs] : sweep.steps) runs.push_back(runs.front());
  text = scaling_text(make_report(sweep, {}));
  EXPECT_THAT(text, Not(HasSubstr("~")));
  EXPECT_THAT(text, Not(HasSubstr("[?]")));
  point = scaling_json(make_report(sweep, {})).at("series")[0].at("points")[1];
  EXPECT_TRUE(point.at("efficiency_low").is_number());

  // Two ranks repeated, one rank not: the quotient has no interval either.
  for (auto& [settings, runs] : sweep.steps) {
    if (settings.ranks == 1) runs.pop_back();
  }
  const auto weak = series_of(analyse(sweep), Scaling::kWeak);
  EXPECT_TRUE(weak.points[0].unrepeated());
  EXPECT_TRUE(weak.points[1].unrepeated());
}

TEST(Prediction, TheLeastGoodBatchIsTheFirstWithNinetyPercent) {
  auto sweep = made_sweep();
  std::erase_if(sweep.steps, [](const auto& item) { return item.first.independent; });
  const auto all = analyse(sweep);
  auto model = *fit_scaling(sweep, series_of(all, Scaling::kWeak));
  model.wait_share = 0;
  model.hidden = 0;
  const auto batch = model.predict(2).least_good_batch;
  ASSERT_TRUE(batch);
  const auto efficiency = [](std::int64_t images) {
    return alone_ms(images) / (alone_ms(images) + kAllReduce);
  };
  EXPECT_GE(efficiency(*batch), 0.9);
  EXPECT_LT(efficiency(*batch / 2), 0.9);
}

TEST(ScalingFiles, HaveEveryPointAndTheFailedOnes) {
  auto sweep = made_sweep();
  sweep.failed.push_back({.file = "together-np4.json",
                          .what = "step",
                          .ranks = 4,
                          .hidden = "512,512",
                          .exit_code = 1,
                          .error = "lockstep: error: rank 3, \"node|1\": <gone>"});
  const auto report = make_report(sweep, {16});
  const auto document = scaling_json(report);
  EXPECT_EQ(document.at("schema"), 1);
  EXPECT_THAT(document.at("series"), SizeIs(2));
  EXPECT_THAT(document.at("failed"), SizeIs(1));
  EXPECT_EQ(document.at("series")[0].at("predictions")[1].at("ranks"), 16);
  const auto csv = scaling_csv(report);
  EXPECT_EQ(std::count(csv.begin(), csv.end(), '\n'), 1 + 4 + 1);
  EXPECT_THAT(csv, HasSubstr("\"lockstep: error: rank 3, \"\"node|1\"\": <gone>\"\n"));
  const auto cells = [](const std::string& line) {
    return std::count(line.begin(), line.end(), ',');
  };
  EXPECT_EQ(cells(csv.substr(0, csv.find('\n'))), 40);
  EXPECT_THAT(scaling_markdown(report), HasSubstr("node\\|1"));
  EXPECT_THAT(scaling_text(report), HasSubstr("Points that failed"));
}

TEST(Table, AlignsCharactersAndEscapesMarkup) {
  const Table table{.head = {"naïve", "µs"}, .rows = {{"a<b", "1"}, {"–", "1000"}}};
  EXPECT_EQ(as_text(table), "naïve    µs\na<b       1\n–      1000\n");
  EXPECT_THAT(as_html(table), HasSubstr("<td>a&lt;b</td>"));
  EXPECT_THAT(as_html(table), Not(HasSubstr("a<b")));
}

}  // namespace
}  // namespace lockstep::report

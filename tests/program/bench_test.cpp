// lockstep bench: what it prints and writes. Times themselves are no matter for tests.
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "program.hpp"
#include "temporary_folder.hpp"

namespace lockstep::tests {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class BenchTest : public ::testing::Test {
 protected:
  const TemporaryFolder folder_;

  Outcome bench(int ranks, std::vector<std::string> more) {
    std::vector<std::string> arguments = {"bench"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    arguments.insert(arguments.end(), {"--json", "out.json", "--csv", "out.csv"});
    return run_program({.arguments = arguments, .ranks = ranks, .folder = folder_.path()});
  }
  [[nodiscard]] nlohmann::json results() const {
    const auto document = nlohmann::json::parse(read_bytes(folder_ / "out.json"));
    EXPECT_EQ(document.at("schema"), 1);
    return document.at("results");
  }
  /// Cells of the .csv file, line by line.
  [[nodiscard]] std::vector<std::vector<std::string>> csv() const {
    std::vector<std::vector<std::string>> lines;
    std::istringstream file(read_bytes(folder_ / "out.csv"));
    for (std::string line; std::getline(file, line);) {
      lines.emplace_back();
      std::istringstream cells(line);
      for (std::string cell; std::getline(cells, cell, ',');) lines.back().push_back(cell);
    }
    return lines;
  }
};

class BenchAllReduce : public BenchTest, public ::testing::WithParamInterface<const char*> {};

TEST_P(BenchAllReduce, MeasuresEverySizeAndFindsNoWrongSum) {
  const auto outcome =
      bench(3, {"allreduce", "--min-bytes", "4", "--max-bytes", "5K", "--factor", "10",
                "--iterations", "3", "--warmup", "1", "--node-shared", GetParam()});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  EXPECT_THAT(outcome.errors(), IsEmpty());
  EXPECT_THAT(outcome.standard_output, HasSubstr("3 ranks on 1 host"));
  const auto all = results();
  std::vector<std::int64_t> sizes;
  for (const auto& result : all) {
    const std::int64_t bytes = result.at("bytes");
    sizes.push_back(bytes);
    EXPECT_EQ(result.at("count"), bytes / 4);
    EXPECT_EQ(result.at("type"), "float");
    EXPECT_EQ(result.at("wrong"), 0);
    const double seconds = result.at("time_us").get<double>() * 1e-6;
    EXPECT_GT(seconds, 0);
    EXPECT_GT(result.at("time_us_p50"), 0);
    const double algbw = static_cast<double>(bytes) / seconds / 1e9;
    EXPECT_NEAR(result.at("algbw_gb_per_s"), algbw, 1e-9 * algbw);
    EXPECT_NEAR(result.at("busbw_gb_per_s"), algbw * 4 / 3, 1e-9 * algbw);
  }
  EXPECT_EQ(sizes, (std::vector<std::int64_t>{4, 40, 400, 4000}));
  const auto lines = csv();
  ASSERT_THAT(lines, SizeIs(5));
  EXPECT_EQ(lines[0], (std::vector<std::string>{"bytes", "count", "type", "time_us", "time_us_p50",
                                                "algbw_gb_per_s", "busbw_gb_per_s", "wrong"}));
  EXPECT_EQ(lines[4][0], "4000");
}

INSTANTIATE_TEST_SUITE_P(NodeShared, BenchAllReduce, ::testing::Values("on", "off"));

TEST_F(BenchTest, StepSplitsAStepIntoItsParts) {
  const auto outcome = bench(2, {"step", "--steps", "5", "--global-batch-size", "20"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  EXPECT_THAT(outcome.standard_output, HasSubstr("2 ranks × 10 = global batch 20"));
  const auto result = results();
  EXPECT_EQ(result.at("steps"), 5);
  double parts = 0;
  for (const char* part : {"data", "forward", "backward", "exposed_communication", "optimizer"}) {
    const auto key = std::string(part) + "_ms";
    EXPECT_GT(result.at(key), 0) << part;
    EXPECT_LE(result.at(key + "_p50"), result.at(key + "_p95")) << part;
    EXPECT_LE(result.at(key + "_p95"), result.at(key + "_p99")) << part;
    parts += result.at(key).get<double>();
  }
  const double step = result.at("step_ms");
  EXPECT_LE(parts, step * 1.000001);
  EXPECT_NEAR(result.at("images_per_second"), 20 / step * 1000, 1e-6 * 20 / step * 1000);
  // 2 · 10 · (2 · 784 · 512 + 3 · 512 · 512 + 3 · 512 · 10) operations
  const double gflop = 20e-9 * (2 * 401'408 + 3 * 262'144 + 3 * 5'120);
  const double rate = gflop / result.at("sgemm_ms").get<double>() * 1000;
  EXPECT_NEAR(result.at("gflop_per_s"), rate, 1e-6 * rate);
  EXPECT_GT(result.at("fma_peak_gflop_per_s"), 1);
  const auto lines = csv();
  ASSERT_THAT(lines, SizeIs(2));
  EXPECT_EQ(lines[0].size(), lines[1].size());
  EXPECT_FALSE(std::filesystem::exists(folder_ / "runs")) << "a benchmark is no run";
}

TEST_F(BenchTest, StepSaysWhatEachRankDidAndThatItWasTheRightThing) {
  ASSERT_EQ(bench(2, {"step", "--steps", "6", "--global-batch-size", "20"}).exit_code, 0);
  const auto two = results();
  ASSERT_THAT(two.at("ranks"), SizeIs(2));
  double waits = 0;
  double least_wait = 1e9;
  for (const auto& rank : two.at("ranks")) {
    EXPECT_LE(rank.at("wait_for_slowest_ms"), rank.at("exposed_communication_ms"));
    EXPECT_GT(rank.at("backward_ms"), 0);
    waits += rank.at("wait_for_slowest_ms").get<double>();
    least_wait = std::min(least_wait, rank.at("wait_for_slowest_ms").get<double>());
  }
  EXPECT_GE(least_wait, 0);
  EXPECT_NEAR(two.at("wait_for_slowest_ms"), waits / 2, 1e-9);
  EXPECT_THAT(two.at("step_ms_series"), SizeIs(6));
  EXPECT_EQ(two.at("configuration").at("ranks"), 2);
  EXPECT_EQ(two.at("configuration").at("batch_size"), 10);
  EXPECT_EQ(two.at("configuration").at("gradient_bytes"), 4 * 669'706);
  // The same steps on one rank have the same losses.
  ASSERT_EQ(bench(1, {"step", "--steps", "6", "--global-batch-size", "20"}).exit_code, 0);
  const auto one = results();
  ASSERT_THAT(two.at("losses"), SizeIs(12));
  for (std::size_t i = 0; i < 12; ++i) {
    const double expected = one.at("losses")[i];
    EXPECT_NEAR(two.at("losses")[i], expected, 1e-4 * expected) << i;
  }
}

TEST_F(BenchTest, IndependentRanksTrainAloneAtTheSameTime) {
  ASSERT_EQ(bench(2, {"step", "--steps", "6", "--global-batch-size", "20", "--threads", "1",
                      "--independent", "on"})
                .exit_code,
            0);
  const auto alone = results();
  EXPECT_EQ(alone.at("configuration").at("independent"), true);
  EXPECT_EQ(alone.at("configuration").at("batch_size"), 20);
  double images_per_second = 0;
  for (const auto& rank : alone.at("ranks")) {
    images_per_second += 20 / rank.at("step_ms").get<double>() * 1000;
  }
  EXPECT_NEAR(alone.at("images_per_second"), images_per_second, 1e-6 * images_per_second);
  ASSERT_EQ(
      bench(1, {"step", "--steps", "6", "--global-batch-size", "20", "--threads", "1"}).exit_code,
      0);
  EXPECT_EQ(alone.at("losses"), results().at("losses"));
}

TEST_F(BenchTest, StepTakesTheRealImagesWhenAsked) {
  ASSERT_EQ(bench(2, {"step", "--steps", "3", "--synthetic", "off"}).exit_code, 0);
  const auto real = results();
  EXPECT_EQ(real.at("configuration").at("synthetic"), false);
  ASSERT_EQ(bench(2, {"step", "--steps", "3"}).exit_code, 0);
  EXPECT_NE(real.at("losses"), results().at("losses"));
}

TEST_F(BenchTest, RefusesWhatItCannotMeasure) {
  const auto expect_usage = [&](const std::vector<std::string>& words, const char* mention) {
    const auto outcome = bench(2, words);
    EXPECT_EQ(outcome.exit_code, 2) << outcome.standard_error;
    ASSERT_THAT(outcome.errors(), SizeIs(1));
    EXPECT_THAT(outcome.errors().front(), HasSubstr(mention));
  };
  expect_usage({"allreduce", "--min-bytes", "2M", "--max-bytes", "1M"}, "--max-bytes 1048576");
  expect_usage({"allreduce", "--min-bytes", "3"}, "'3' is not a number of bytes");
  expect_usage({"allgather"}, "unknown 'allgather'");
  expect_usage({"step", "--global-batch-size", "3"}, "not divisible");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out.json"));
}

}  // namespace
}  // namespace lockstep::tests

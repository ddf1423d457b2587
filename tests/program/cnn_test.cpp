// A network with buffers and random numbers, as any other network: exact at any number of ranks and
// after a resume.
#include <fstream>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "program.hpp"
#include "temporary_folder.hpp"

namespace lockstep::tests {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr const char* kShort =
    "train --model cnn --train-samples 512 --test-samples 128 --global-batch-size 32 --optimizer "
    "adam --log-every 1 ";

class CnnTest : public ::testing::Test {
 protected:
  const TemporaryFolder folder_;

  [[nodiscard]] Outcome run(const std::string& options, const fs::path& run, int ranks) const {
    return run_program({.arguments = words(options + " --output-dir " + run.string()),
                        .ranks = ranks,
                        .folder = folder_.path()});
  }
  /// The digest of the weights, and of the running statistics, that a run ends with.
  [[nodiscard]] std::string digest_of(const std::string& options, const fs::path& folder,
                                      int ranks) const {
    const auto outcome = run(options, folder, ranks);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.standard_error;
    const auto ends = read_events(folder, "run_end");
    return ends.empty() ? "" : ends.back().value("parameters_sha256", "");
  }
};

TEST_F(CnnTest, HasTheSameBitsAtAnyNumberOfRanks) {
  const auto options = std::string(kShort) + "--epochs 2 --virtual-shards 4";
  const auto expected = digest_of(options, folder_ / "1", 1);
  ASSERT_THAT(expected, SizeIs(64));
  for (const int ranks : {2, 4}) {
    const auto folder = folder_ / std::to_string(ranks);
    EXPECT_EQ(digest_of(options, folder, ranks), expected) << ranks << " ranks";
    const auto mine = read_events(folder, "train");
    const auto first = read_events(folder_ / "1", "train");
    ASSERT_EQ(mine.size(), first.size());
    for (std::size_t i = 0; i < mine.size(); ++i) EXPECT_EQ(mine[i]["loss"], first[i]["loss"]);
    EXPECT_EQ(read_events(folder, "test").back()["avg_loss"],
              read_events(folder_ / "1", "test").back()["avg_loss"]);
  }
  EXPECT_NE(digest_of(options + " --dropout 0", folder_ / "none", 2), expected);
  EXPECT_NE(digest_of(options + " --seed 1 --data-seed 0", folder_ / "seed", 2), expected);
}

TEST_F(CnnTest, ResumesExactlyInTheMiddleOfAnEpoch) {
  const auto options = std::string(kShort) + "--epochs 2";
  const auto expected = digest_of(options + " --max-steps 29", folder_ / "whole", 2);
  ASSERT_THAT(expected, SizeIs(64));
  (void)digest_of(options + " --max-steps 11", folder_ / "parts", 2);
  EXPECT_EQ(digest_of(options + " --max-steps 29 --resume auto", folder_ / "parts", 2), expected);
}

TEST_F(CnnTest, EvaluateFindsWhatTheRunFound) {
  const auto folder = folder_ / "run";
  (void)digest_of(std::string(kShort) + "--epochs 1 --dropout 0.5", folder, 2);
  const auto found = read_events(folder, "test").back();
  const auto outcome =
      run_program({.arguments = words(fmt::format("evaluate --test-samples 128 --checkpoint {}",
                                                  (folder / "model.safetensors").string()))});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  EXPECT_THAT(outcome.standard_output,
              HasSubstr(fmt::format("Avg loss: {:.6f}", found["avg_loss"].get<double>())));
}

TEST_F(CnnTest, OptionsOfTheOtherNetworkAreRefused) {
  for (const char* options : {"train --model cnn --hidden 64", "train --dropout 0.5"}) {
    const auto outcome = run(options, folder_ / "run", 0);
    EXPECT_EQ(outcome.exit_code, 2) << options;
    EXPECT_THAT(outcome.errors(), SizeIs(1));
    EXPECT_FALSE(fs::exists(folder_ / "run"));
  }
}

TEST_F(CnnTest, BenchStepMeasuresItWithoutProductsOfLinearLayers) {
  const auto file = folder_ / "step.json";
  const auto outcome =
      run_program({.arguments = words("bench step --model cnn --steps 5 --json " + file.string())});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  const auto results = nlohmann::json::parse(std::ifstream(file)).at("results");
  EXPECT_TRUE(results.at("sgemm_ms").is_null());
  EXPECT_GT(results.at("step_ms_p50").get<double>(), 0);
}

}  // namespace
}  // namespace lockstep::tests

// Networks with buffers, and one with random numbers, as any other network: exact at any number of
// ranks and after a resume.
#include <fstream>
#include <string>
#include <vector>

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
  /// The losses of a run's steps, then those of its test loops.
  [[nodiscard]] static std::vector<nlohmann::json> losses_of(const fs::path& folder) {
    std::vector<nlohmann::json> losses;
    for (const auto& event : read_events(folder, "train")) losses.push_back(event["loss"]);
    for (const auto& event : read_events(folder, "test")) losses.push_back(event["avg_loss"]);
    return losses;
  }
  /// Runs with `options` at 1, 2 and 4 ranks; returns the digest of all.
  [[nodiscard]] std::string digest_at_any_number_of_ranks(const std::string& options) const {
    auto expected = digest_of(options, folder_ / "1", 1);
    for (const int ranks : {2, 4}) {
      const auto folder = folder_ / std::to_string(ranks);
      EXPECT_EQ(digest_of(options, folder, ranks), expected) << ranks << " ranks";
      EXPECT_EQ(losses_of(folder), losses_of(folder_ / "1")) << ranks << " ranks";
    }
    return expected;
  }
};

TEST_F(CnnTest, HasTheSameBitsAtAnyNumberOfRanks) {
  const auto options = std::string(kShort) + "--epochs 2 --virtual-shards 4";
  const auto expected = digest_at_any_number_of_ranks(options);
  ASSERT_THAT(expected, SizeIs(64));
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
  for (const char* options : {"train --model cnn --hidden 64", "train --dropout 0.5",
                              "train --model resnet18 --dropout 0.5"}) {
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

constexpr const char* kResnet18 =
    "train --model resnet18 --synthetic --input-shape 3,16,16 --classes 10 --train-samples 16 "
    "--test-samples 8 --global-batch-size 8 --virtual-shards 4 --momentum 0.9 --log-every 1 ";

class Resnet18Test : public CnnTest {};

TEST_F(Resnet18Test, HasTheSameBitsAtAnyNumberOfRanks) {
  const auto options = std::string(kResnet18) + "--epochs 1";
  EXPECT_THAT(digest_at_any_number_of_ranks(options), SizeIs(64));
  EXPECT_THAT(losses_of(folder_ / "1"), SizeIs(3)) << "two steps and a test loop";
}

TEST_F(Resnet18Test, ResumesExactlyInTheMiddleOfAnEpochAtAnotherNumberOfRanks) {
  const auto options = std::string(kResnet18) + "--epochs 2";
  const auto expected = digest_of(options + " --max-steps 3", folder_ / "whole", 1);
  ASSERT_THAT(expected, SizeIs(64));
  (void)digest_of(options + " --max-steps 1", folder_ / "parts", 2);
  EXPECT_EQ(digest_of(options + " --max-steps 3 --resume auto", folder_ / "parts", 1), expected);
}

TEST_F(Resnet18Test, ImagesThatAreTooSmallAreRefused) {
  const auto outcome =
      run("train --model resnet18 --synthetic --input-shape 3,7,16", folder_ / "run", 2);
  EXPECT_EQ(outcome.exit_code, 2);
  ASSERT_THAT(outcome.errors(), SizeIs(1)) << outcome.standard_error;
  EXPECT_THAT(outcome.errors()[0], HasSubstr("at least 8 × 8"));
  EXPECT_FALSE(fs::exists(folder_ / "run"));
}

}  // namespace
}  // namespace lockstep::tests

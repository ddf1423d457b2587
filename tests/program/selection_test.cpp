// --keep-best and --early-stop: the same decisions at any number of ranks and after a resume.
#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "program.hpp"
#include "temporary_folder.hpp"

namespace lockstep::tests {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// A learning rate at which the loss rises and falls, so that the best epoch is not the last.
constexpr const char* kUneven =
    "train --synthetic --train-samples 640 --test-samples 100 --validation-fraction 0.25 --hidden "
    "16 "
    "--lr 1.5 --momentum 0.9 --global-batch-size 32 --virtual-shards 4 --test-batch-size 32 ";

class SelectionTest : public ::testing::Test {
 protected:
  const TemporaryFolder folder_;

  [[nodiscard]] Outcome run(const std::string& options, const std::string& run_folder,
                            int ranks) const {
    return run_program({.arguments = words(kUneven + options + " --output-dir " + run_folder),
                        .ranks = ranks,
                        .folder = folder_.path()});
  }
  /// What evaluate says of a file of weights.
  [[nodiscard]] std::string evaluated(const std::string& file) const {
    const auto outcome = run_program(
        {.arguments = words("evaluate --synthetic --test-samples 100 --checkpoint " + file),
         .folder = folder_.path()});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.standard_error;
    return outcome.standard_output;
  }
  [[nodiscard]] std::string bytes_of(const std::string& file) const {
    std::ifstream stream(folder_ / file, std::ios::binary);
    EXPECT_TRUE(stream) << file;
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  [[nodiscard]] std::vector<double> losses(const std::string& run_folder, const char* set) const {
    std::vector<double> values;
    for (const auto& event : read_events(folder_ / run_folder, set)) {
      values.push_back(event["avg_loss"].get<double>());
    }
    return values;
  }
  [[nodiscard]] std::size_t checkpoints_in(const std::string& run_folder) const {
    std::size_t files = 0;
    for (const auto& entry : fs::directory_iterator(folder_ / run_folder / "checkpoints")) {
      if (entry.path().filename().string().starts_with("step-")) ++files;
    }
    return files;
  }
};

TEST_F(SelectionTest, TheBestCheckpointOutlivesTheOthers) {
  ASSERT_EQ(run("--epochs 6 --keep-checkpoints 6", "all", 1).exit_code, 0);
  const auto validation = losses("all", "validation");
  ASSERT_THAT(validation, SizeIs(6));
  const auto best = std::min_element(validation.begin(), validation.end()) - validation.begin();
  ASSERT_LT(best, 4) << "the last two epochs should be worse: " << best;
  for (const int ranks : {1, 2}) {
    const auto folder = "best" + std::to_string(ranks);
    const auto outcome =
        run("--epochs 6 --keep-checkpoints 1 --keep-best validation/avg_loss", folder, ranks);
    ASSERT_EQ(outcome.exit_code, 0) << outcome.standard_error;
    EXPECT_THAT(outcome.standard_error, HasSubstr("best validation/avg_loss: "));
    EXPECT_EQ(checkpoints_in(folder), 1U);
    EXPECT_EQ(evaluated(folder + "/checkpoints/best.safetensors"),
              evaluated("all/checkpoints/step-000000" + std::to_string(15 * (best + 1)) +
                        ".safetensors"));
  }
}

TEST_F(SelectionTest, AKilledRunFindsTheSameBestAndTheSameEnd) {
  const std::string options =
      "--epochs 30 --keep-best validation/accuracy --early-stop validation/avg_loss:3";
  const auto whole = run(options, "whole", 1);
  ASSERT_EQ(whole.exit_code, 0) << whole.standard_error;
  EXPECT_THAT(whole.standard_error,
              HasSubstr("ended early: the last 3 evaluations did not improve validation/avg_loss"));
  const auto end = read_events(folder_ / "whole", "run_end").back();
  EXPECT_EQ(end["status"], "completed");
  EXPECT_EQ(end["early"], true);
  const auto all = losses("whole", "validation");
  ASSERT_LT(all.size(), 30U);
  const auto best = std::min_element(all.begin(), all.end()) - all.begin();
  EXPECT_EQ(best, static_cast<std::ptrdiff_t>(all.size()) - 4);

  // In the middle of an epoch, and between an epoch and its evaluation.
  for (const char* limit : {"--max-steps 22 --checkpoint-every 7", "--max-steps 30"}) {
    fs::remove_all(folder_ / "parts");
    ASSERT_EQ(run(options + " " + limit, "parts", 2).exit_code, 0);
    const auto resumed = run(options + " --max-steps 0 --resume auto", "parts", 4);
    ASSERT_EQ(resumed.exit_code, 0) << resumed.standard_error;
    EXPECT_EQ(read_events(folder_ / "parts", "run_end").back()["parameters_sha256"],
              end["parameters_sha256"]);
    EXPECT_EQ(losses("parts", "validation"), all);
    EXPECT_EQ(bytes_of("parts/checkpoints/best.safetensors"),
              bytes_of("whole/checkpoints/best.safetensors"));
  }

  const auto again = run(options + " --resume auto", "whole", 1);
  EXPECT_EQ(again.exit_code, 0) << again.standard_error;
  EXPECT_EQ(losses("whole", "validation"), all) << "it had ended";
}

TEST_F(SelectionTest, MetricsThatThereAreNotAreRefused) {
  const auto refuse = [&](const std::string& arguments, const std::string& why) {
    const auto outcome = run_program(
        {.arguments = words("train --synthetic " + arguments), .folder = folder_.path()});
    EXPECT_EQ(outcome.exit_code, 2) << outcome.standard_error;
    ASSERT_THAT(outcome.errors(), SizeIs(1)) << outcome.standard_error;
    EXPECT_THAT(outcome.errors()[0], HasSubstr(why));
    EXPECT_FALSE(fs::exists(folder_ / "runs"));
  };
  refuse("--keep-best validation/accuracy",
         "without a validation set (--keep-best, --validation-fraction)");
  refuse("--early-stop validation/avg_loss:2", "without a validation set");
  refuse("--keep-best accuracy", "test/accuracy");
  for (const char* text : {"test/accuracy", "test/accuracy:", "test/accuracy:0", "test/accuracy:-1",
                           "test/accuracy:x", "accuracy:3", ":3"}) {
    refuse(std::string("--early-stop ") + text, "--early-stop");
  }
}

}  // namespace
}  // namespace lockstep::tests

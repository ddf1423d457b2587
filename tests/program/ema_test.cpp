// --ema-decay: averaged weights, exact at any number of ranks and after a resume.
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
    "train --synthetic --train-samples 640 --test-samples 100 --validation-fraction 0.1 --model "
    "cnn "
    "--input-shape 1,8,8 --lr 0.05 --global-batch-size 32 --virtual-shards 4 --epochs 2 ";

class EmaTest : public ::testing::Test {
 protected:
  const TemporaryFolder folder_;

  void train(const std::string& options, const std::string& run_folder, int ranks) const {
    const auto outcome =
        run_program({.arguments = words(kShort + options + " --output-dir " + run_folder),
                     .ranks = ranks,
                     .folder = folder_.path()});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  }
  [[nodiscard]] double last(const std::string& run_folder, const char* kind) const {
    return read_events(folder_ / run_folder, kind).back()["avg_loss"].get<double>();
  }
  [[nodiscard]] std::string digest_of(const std::string& run_folder) const {
    return read_events(folder_ / run_folder, "run_end").back()["parameters_sha256"];
  }
};

TEST_F(EmaTest, ChangesNoBitOfTheRunItself) {
  train("", "without", 1);
  train("--ema-decay 0.9", "with", 1);
  EXPECT_EQ(digest_of("with"), digest_of("without"));
  EXPECT_EQ(last("with", "test"), last("without", "test"));
  EXPECT_FALSE(fs::exists(folder_ / "without/model_ema.safetensors"));
  EXPECT_THAT(read_events(folder_ / "with", "ema_test"), SizeIs(2));
  EXPECT_THAT(read_events(folder_ / "with", "ema_validation"), SizeIs(2));
  EXPECT_NE(last("with", "ema_test"), last("with", "test"));
}

TEST_F(EmaTest, IsExactAtAnyNumberOfRanksAndAfterAResume) {
  train("--ema-decay 0.9", "one", 1);
  train("--ema-decay 0.9", "two", 2);
  train("--ema-decay 0.9 --max-steps 25", "parts", 2);
  train("--ema-decay 0.9 --max-steps 0 --resume auto", "parts", 4);
  for (const char* run : {"two", "parts"}) {
    EXPECT_EQ(digest_of(run), digest_of("one")) << run;
    for (const char* kind : {"ema_test", "ema_validation"}) {
      EXPECT_EQ(last(run, kind), last("one", kind)) << run;
      EXPECT_THAT(read_events(folder_ / run, kind), SizeIs(2)) << run;
    }
  }
  const auto resumed =
      run_program({.arguments = words(std::string(kShort) +
                                      "--ema-decay 0.8 --resume auto --output-dir one --epochs 3"),
                   .folder = folder_.path()});
  EXPECT_EQ(resumed.exit_code, 3);
  EXPECT_THAT(resumed.standard_error, HasSubstr("ema_decay is 0.9 there and 0.8 here"));
}

TEST_F(EmaTest, TheFileHoldsWhatWasEvaluated) {
  train("--ema-decay 0.9", "run", 2);
  const auto evaluate = [&](const std::string& file) {
    return run_program(
               {.arguments = words("evaluate --synthetic --input-shape 1,8,8 --test-samples 100 "
                                   "--checkpoint run/" +
                                   file),
                .folder = folder_.path()})
        .standard_output;
  };
  EXPECT_THAT(evaluate("model_ema.safetensors"),
              HasSubstr(fmt::format("Avg loss: {:8f}", last("run", "ema_test"))));
  EXPECT_THAT(evaluate("model.safetensors"),
              HasSubstr(fmt::format("Avg loss: {:8f}", last("run", "test"))));
  const auto report = run_program({.arguments = words("report run"), .folder = folder_.path()});
  EXPECT_EQ(report.exit_code, 0) << report.standard_error;
}

}  // namespace
}  // namespace lockstep::tests

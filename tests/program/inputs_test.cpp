// Inputs on their way to the network: normalised by channel, and augmented in training.
#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "npy_bytes.hpp"
#include "program.hpp"
#include "temporary_folder.hpp"

namespace lockstep::tests {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

/// Nine steps an epoch, the last of which is short.
constexpr const char* kShort =
    "train --synthetic --input-shape 3,8,9 --hidden 16 --train-samples 270 --test-samples 70 "
    "--global-batch-size 32 --optimizer adam --lr 0.01 --log-every 1 --threads 1 ";
constexpr const char* kInputs = "--augment flip,crop:2 --normalize auto ";

class InputsTest : public ::testing::Test {
 protected:
  const TemporaryFolder folder_;

  [[nodiscard]] Outcome run(const std::string& arguments, int ranks = 0) const {
    return run_program({.arguments = words(arguments), .ranks = ranks, .folder = folder_.path()});
  }
  /// Of the weights that a run ends with.
  [[nodiscard]] std::string digest_of(const std::string& options, const std::string& run_folder,
                                      int ranks = 0) const {
    const auto outcome = run(options + " --output-dir " + run_folder, ranks);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.standard_error;
    const auto ends = read_events(folder_ / run_folder, "run_end");
    return ends.empty() ? "" : ends.back().value("parameters_sha256", "");
  }
  [[nodiscard]] nlohmann::json options_of(const std::string& run_folder) const {
    return nlohmann::json::parse(std::ifstream(folder_ / run_folder / "config.json")).at("options");
  }
  [[nodiscard]] nlohmann::json last_test_of(const std::string& run_folder) const {
    return read_events(folder_ / run_folder, "test").back();
  }
  void refuse(const std::string& arguments, int exit_code,
              const std::vector<std::string>& mentions) const {
    const auto outcome = run(arguments + " --output-dir refused");
    EXPECT_EQ(outcome.exit_code, exit_code) << outcome.standard_error;
    ASSERT_THAT(outcome.errors(), SizeIs(1)) << arguments << ": " << outcome.standard_error;
    for (const auto& mention : mentions) EXPECT_THAT(outcome.errors()[0], HasSubstr(mention));
    EXPECT_FALSE(fs::exists(folder_ / "refused"));
  }
  /// Four samples for training, as many for the test.
  template <typename Element>
  void write_arrays(const std::string& name, const std::string& type, const std::string& shape,
                    const std::vector<Element>& inputs) const {
    fs::create_directories(folder_ / name);
    for (const std::string split : {"train", "test"}) {
      write_bytes(folder_ / name / (split + "_inputs.npy"), npy<Element>(type, shape, inputs));
      write_bytes(folder_ / name / (split + "_targets.npy"),
                  npy<std::int64_t>("<i8", "(4,)", {0, 1, 0, 1}));
    }
  }
};

TEST_F(InputsTest, HaveTheSameBitsAtAnyNumberOfRanks) {
  const auto options = std::string(kShort) + "--epochs 2 --virtual-shards 4 ";
  const auto expected = digest_of(options + kInputs, "1", 1);
  ASSERT_THAT(expected, SizeIs(64));
  for (const int ranks : {2, 4}) {
    const auto name = std::to_string(ranks);
    EXPECT_EQ(digest_of(options + kInputs, name, ranks), expected) << ranks << " ranks";
    EXPECT_EQ(last_test_of(name)["avg_loss"], last_test_of("1")["avg_loss"]);
    EXPECT_EQ(options_of(name)["normalize"], options_of("1")["normalize"]);
  }
  EXPECT_EQ(digest_of(options + "--augment crop:2,flip --normalize auto", "turned", 2), expected);
  // Each of them counts.
  EXPECT_NE(digest_of(options + "--augment flip,crop:2", "plain", 2), expected);
  EXPECT_NE(digest_of(options + "--normalize auto", "still", 2), expected);
  EXPECT_NE(digest_of(options + "--augment flip --normalize auto", "mirrored", 2), expected);
  EXPECT_NE(digest_of(options + "--augment crop:2 --normalize auto", "cropped", 2), expected);
  EXPECT_NE(digest_of(options + kInputs + "--shuffle off --data-seed 1", "seed-1", 2),
            digest_of(options + kInputs + "--shuffle off --data-seed 2", "seed-2", 2));
}

TEST_F(InputsTest, ARepeatedSampleOfATailIsNoProblem) {
  // 270 samples of three ranks at 32: padded, dropped, and exact tails differ only at the end.
  for (const char* tail : {"pad", "drop", "exact"}) {
    const auto options =
        fmt::format("{}--global-batch-size 33 --epochs 1 --tail {} ", kShort, tail);
    EXPECT_THAT(digest_of(options + kInputs, tail, 3), SizeIs(64)) << tail;
  }
}

TEST_F(InputsTest, AResumeInTheMiddleOfAnEpochIsExact) {
  const auto options = std::string(kShort) + kInputs + "--epochs 3 ";
  const auto expected = digest_of(options, "whole", 2);
  ASSERT_THAT(expected, SizeIs(64));
  (void)digest_of(options + "--max-steps 13", "parts", 2);
  const auto numbers = options_of("parts").at("normalize").get<std::string>();
  // With the same command line, as users do, and with nothing but the folder.
  const auto outcome = run(options + "--max-steps 15 --resume auto --output-dir parts", 2);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  EXPECT_THAT(outcome.standard_error, Not(HasSubstr("--normalize")));
  EXPECT_EQ(digest_of("train --threads 1 --epochs 3 --resume auto", "parts", 2), expected);
  EXPECT_EQ(options_of("parts").at("normalize"), numbers);
  EXPECT_EQ(options_of("parts").at("augment"), "flip,crop:2");
}

TEST_F(InputsTest, AResumeWithOtherInputsIsRefused) {
  (void)digest_of(std::string(kShort) + kInputs + "--epochs 1 --max-steps 3", "run");
  for (const char* other :
       {"--augment flip", "--augment none", "--normalize none", "--normalize 0.5:0.5"}) {
    const auto outcome =
        run(std::string("train --epochs 1 --resume auto --output-dir run ") + other);
    EXPECT_EQ(outcome.exit_code, 3) << other;
    ASSERT_THAT(outcome.errors(), SizeIs(1)) << outcome.standard_error;
    EXPECT_THAT(outcome.errors()[0], HasSubstr("the checkpoint is of another run"));
  }
  (void)digest_of(std::string(kShort) + "--epochs 1 --max-steps 3", "plain");
  EXPECT_EQ(run("train --epochs 1 --resume auto --output-dir plain --normalize auto").exit_code, 3);
}

TEST_F(InputsTest, TheRecordHasTheNumbersAndRepeatsTheRun) {
  const auto digest = digest_of(std::string(kShort) + kInputs + "--epochs 1", "run");
  const auto numbers = options_of("run").at("normalize").get<std::string>();
  EXPECT_EQ(std::count(numbers.begin(), numbers.end(), ':'), 3) << numbers;
  EXPECT_EQ(digest_of("train --threads 1 --config run/config.json", "again"), digest);
  EXPECT_EQ(
      digest_of(std::string(kShort) + "--augment flip,crop:2 --epochs 1 --normalize " + numbers,
                "given"),
      digest);
  EXPECT_EQ(options_of("given").at("normalize"), numbers);
  // They are those of the whole training part, whatever is trained.
  (void)digest_of(
      std::string(kShort) + kInputs + "--epochs 1 --validation-fraction 0.5 --train-samples 200",
      "less");
  EXPECT_EQ(options_of("less").at("normalize"), numbers);
}

TEST_F(InputsTest, EvaluateAndPredictNormaliseAsTheRunDid) {
  const auto options = std::string(kShort) + kInputs + "--epochs 2 --validation-fraction 0.2";
  (void)digest_of(options, "run", 2);
  const auto expected =
      fmt::format("Avg loss: {:8f}", last_test_of("run")["avg_loss"].get<double>());
  const std::string data = " --synthetic --input-shape 3,8,9 ";
  for (const char* file : {"run/model.safetensors", "run/checkpoints/latest"}) {
    for (const int ranks : {0, 2}) {
      const auto outcome =
          run(fmt::format("evaluate --test-samples 70 --checkpoint {}{}", file, data), ranks);
      EXPECT_EQ(outcome.exit_code, 0) << outcome.standard_error;
      EXPECT_THAT(outcome.standard_output, HasSubstr(expected)) << file;
    }
  }
  // A run from these weights that takes no step and does not normalise finds something else.
  (void)digest_of(std::string(kShort) +
                      "--epochs 1 --max-steps 1 --lr 1e-30 --optimizer sgd "
                      "--init-from run/model.safetensors",
                  "raw");
  EXPECT_THAT(fmt::format("Avg loss: {:8f}", last_test_of("raw")["avg_loss"].get<double>()),
              Not(HasSubstr(expected)));

  std::string index = "0";
  for (int i = 1; i < 70; ++i) index += fmt::format(",{}", i);
  const auto predicted = run(
      fmt::format("predict --json --index {} --checkpoint run/model.safetensors{}", index, data));
  ASSERT_EQ(predicted.exit_code, 0) << predicted.standard_error;
  std::vector confusion(10, std::vector<int>(10));
  const auto answers = nlohmann::json::parse(predicted.standard_output);
  for (const auto& answer : answers["predictions"]) {
    ++confusion.at(answer["label"].get<std::size_t>()).at(answer["class"].get<std::size_t>());
  }
  EXPECT_EQ(nlohmann::json(confusion),
            nlohmann::json::parse(std::ifstream(folder_ / "run/predictions.json"))["confusion"]);
}

TEST_F(InputsTest, WhatIsWrongIsSaidInOneLine) {
  const std::string made_up = "train --synthetic --epochs 1 ";
  refuse(made_up + "--augment crop:0", 2, {"--augment", "'crop:0'", "crop:N with N from 1 to 64"});
  refuse(made_up + "--augment flip,flip", 2, {"--augment", "'flip,flip'"});
  refuse(made_up + "--augment crop:28", 2, {"28 × 28", "at most 27", "--augment"});
  refuse(made_up + "--normalize 0:0", 2, {"--normalize", "'0:0'", "STD above 0"});
  refuse(made_up + "--normalize nan:1", 2, {"--normalize", "'nan:1'"});
  refuse(made_up + "--normalize 0:1,0:1", 2,
         {"[1, 28, 28]", "2 pairs", "1 channel:", "--normalize"});

  write_arrays<std::int64_t>("tokens", "<i8", "(4, 2)", {1, 2, 3, 4, 5, 6, 7, 8});
  refuse("train --data-dir tokens --epochs 1 --normalize auto", 2, {"integers", "--normalize"});
  refuse("train --data-dir tokens --epochs 1 --augment flip", 2, {"integers", "--augment"});
  write_arrays<float>("table", "<f4", "(4, 2)", {1, 5, 2, 5, 3, 5, 4, 5});
  refuse("train --data-dir table --epochs 1 --augment flip", 2, {"[2]", "--augment"});
  refuse("train --data-dir table --epochs 1 --normalize auto", 3,
         {"channel 1", "5 everywhere", "--normalize"});
}

TEST_F(InputsTest, BenchStepTakesThem) {
  const auto outcome = run(std::string("bench step --steps 3 --model cnn --input-shape 3,8,8 "
                                       "--batch-size 8 --threads 1 --json step.json ") +
                           kInputs);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  const auto configuration =
      nlohmann::json::parse(std::ifstream(folder_ / "step.json")).at("results").at("configuration");
  EXPECT_EQ(configuration.at("augment"), "flip,crop:2");
  EXPECT_EQ(configuration.at("normalize"), "auto");
}

}  // namespace
}  // namespace lockstep::tests

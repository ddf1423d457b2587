// Training on folders of pictures, and what other commands do with them.
#include <array>
#include <filesystem>
#include <fstream>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "picture_bytes.hpp"
#include "program.hpp"
#include "temporary_folder.hpp"

namespace lockstep::tests {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

constexpr std::array kNames = {"blue", "green", "red"};

/// A picture in which one channel is bright, in one of several sizes, as PNG or JPEG.
std::string picture_of(std::size_t channel, unsigned number) {
  const unsigned width = 9 + number % 5;
  const unsigned height = 7 + number % 3;
  std::vector<std::uint8_t> samples;
  std::uint32_t random = number * 3 + static_cast<std::uint32_t>(channel);
  for (std::size_t i = 0; i < std::size_t{3} * width * height; ++i) {
    random = random * 1664525U + 1013904223U;
    samples.push_back(static_cast<std::uint8_t>((random >> 25U) + (i % 3 == channel ? 128 : 0)));
  }
  if (number % 2 == 0) {
    return bytes_of(
        Png{.width = width, .height = height, .colour = PNG_COLOR_TYPE_RGB, .samples = samples});
  }
  return bytes_of(Jpeg{.width = width, .height = height, .samples = samples});
}

class PicturesTest : public ::testing::Test {
 protected:
  const TemporaryFolder folder_;
  const fs::path cache_ = folder_ / "cache";

  /// 60 training pictures and 18 of the test: those of blue first, then green, then red.
  void SetUp() override {
    for (std::size_t label = 0; label < kNames.size(); ++label) {
      for (const auto& [split, count] : {std::pair("train", 20U), std::pair("test", 6U)}) {
        const auto place = folder_ / "data" / split / kNames.at(label);
        fs::create_directories(place);
        for (unsigned i = 0; i < count; ++i) {
          write_bytes(place / fmt::format("{:02}.{}", i, i % 2 == 0 ? "png" : "JPG"),
                      picture_of(2 - label, i));
        }
      }
    }
  }
  [[nodiscard]] Outcome run(const std::string& arguments, int ranks = 1,
                            const std::string& cache = "cache") const {
    return run_program({.arguments = words(arguments),
                        .ranks = ranks,
                        .environment = {{"LOCKSTEP_CACHE_DIR", cache}},
                        .folder = folder_.path()});
  }
  [[nodiscard]] std::string digest_of(const std::string& output_dir) const {
    const auto ends = read_events(folder_ / output_dir, "run_end");
    return ends.empty() ? "" : ends.back().value("parameters_sha256", "");
  }
  [[nodiscard]] nlohmann::json predictions(const std::string& arguments) const {
    const auto outcome = run("predict --checkpoint run/model.safetensors --json " + arguments);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.standard_error;
    return nlohmann::json::parse(outcome.standard_output)["predictions"];
  }
  void refuse(const std::string& arguments, int exit_code, const std::string& why,
              int ranks = 2) const {
    const auto outcome = run(arguments, ranks);
    EXPECT_EQ(outcome.exit_code, exit_code) << outcome.standard_error;
    ASSERT_THAT(outcome.errors(), SizeIs(1)) << outcome.standard_error;
    EXPECT_THAT(outcome.errors()[0], HasSubstr(why));
  }
};

constexpr const char* kTrain =
    "train --data-dir data --resize 8,8 --model cnn --epochs 3 --optimizer adam "
    "--global-batch-size 8 --virtual-shards 2 --threads 1 --output-dir ";

TEST_F(PicturesTest, TrainTheCnnWhichThenKnowsThemFromTheDataAndFromFiles) {
  const auto trained = run(kTrain + std::string("run"), 2);
  ASSERT_EQ(trained.exit_code, 0) << trained.standard_error;
  EXPECT_THAT(trained.standard_error,
              AllOf(HasSubstr("pictures in data, scaled to 8 × 8: 60 training and 18 test"),
                    Not(HasSubstr("not kept"))));
  const auto options = nlohmann::json::parse(std::ifstream(folder_ / "run/config.json"))["options"];
  EXPECT_EQ(options["dataset"], "pictures");
  EXPECT_EQ(options["resize"], nlohmann::json({8, 8}));
  const auto tests = read_events(folder_ / "run", "test");
  ASSERT_THAT(tests, SizeIs(3));
  EXPECT_EQ(tests.back()["samples"], 18);

  const auto evaluated =
      run("evaluate --data-dir data --resize 8,8 --checkpoint run/model.safetensors", 2);
  EXPECT_EQ(evaluated.exit_code, 0) << evaluated.standard_error;
  EXPECT_THAT(evaluated.standard_output,
              HasSubstr(fmt::format("Avg loss: {:8f}", tests.back()["avg_loss"].get<double>())));

  const auto by_number = predictions("--data-dir data --resize 8,8 --index 0,11,17");
  const auto by_file =
      predictions("--image data/test/blue/00.png data/test/green/05.JPG data/test/red/05.JPG");
  ASSERT_THAT(by_number, SizeIs(3));
  ASSERT_THAT(by_file, SizeIs(3));
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(by_number[i]["label"], i);
    EXPECT_EQ(by_number[i]["logits"], by_file[i]["logits"]) << i;
    EXPECT_EQ(by_number[i]["name"], by_file[i]["name"]);
    EXPECT_THAT(kNames, ::testing::Contains(by_number[i]["name"].get<std::string>()));
  }
  EXPECT_EQ(by_file[0]["changes"], "scaled from 9 × 7 to 8 × 8");
  const auto reported = run("report run");
  EXPECT_EQ(reported.exit_code, 0) << reported.standard_error;
  EXPECT_THAT(read_bytes(folder_ / "run/report.html"), HasSubstr("green"));
}

TEST_F(PicturesTest, GiveTheSameBitsAtAnyNumberOfRanksAndFromTheCache) {
  ASSERT_EQ(run(kTrain + std::string("one")).exit_code, 0);
  const auto expected = digest_of("one");
  ASSERT_THAT(expected, SizeIs(64));
  const auto files = [&] {
    return std::vector<fs::path>(fs::directory_iterator(cache_), fs::directory_iterator());
  };
  ASSERT_THAT(files(), SizeIs(1));
  const auto written = fs::last_write_time(files()[0]);
  ASSERT_EQ(run(kTrain + std::string("two"), 2).exit_code, 0);
  EXPECT_EQ(digest_of("two"), expected);
  ASSERT_THAT(files(), SizeIs(1));
  EXPECT_EQ(fs::last_write_time(files()[0]), written);

  write_bytes(folder_ / "file", "no folder");
  const auto without = run(kTrain + std::string("without"), 2, "file/below");
  ASSERT_EQ(without.exit_code, 0) << without.standard_error;
  EXPECT_EQ(digest_of("without"), expected);
  const auto warning = without.standard_error.find("not kept for later runs");
  ASSERT_NE(warning, std::string::npos) << without.standard_error;
  EXPECT_EQ(without.standard_error.find("not kept for later runs", warning + 1), std::string::npos)
      << "by one rank";

  ASSERT_EQ(run(kTrain + std::string("parts --max-steps 11"), 2).exit_code, 0);
  const auto resumed = run("train --output-dir parts --resume auto --max-steps 0", 2);
  EXPECT_EQ(resumed.exit_code, 0) << resumed.standard_error;
  EXPECT_EQ(digest_of("parts"), expected);
}

TEST_F(PicturesTest, WhatIsWrongWithThemIsSaidOnce) {
  refuse("train --data-dir data --model cnn", 3, "(--resize)");
  refuse("train --data-dir data --model cnn --resize 8", 2, "a height and a width", 0);
  refuse("train --synthetic --resize 8,8", 2, "--resize is for --dataset pictures");
  write_bytes(folder_ / "data/train/green/03.JPG", "no picture");
  refuse("train --data-dir data --model cnn --resize 8,8", 3,
         "data/train/green/03.JPG: neither a PNG nor a JPEG");
  fs::remove_all(folder_ / "data/train/green");
  refuse("train --data-dir data --model cnn --resize 8,8", 3,
         "data/test/green: there are no training pictures");
  fs::remove_all(folder_ / "data/test");
  refuse("train --data-dir data --model cnn --resize 8,8", 3, "data/test: there is no such folder");
  EXPECT_FALSE(fs::exists(folder_ / "runs"));
  EXPECT_FALSE(fs::exists(cache_));
}

TEST_F(PicturesTest, MayBeBenchmarked) {
  const auto outcome =
      run("bench step --synthetic off --data-dir data --resize 8,8 --model cnn --steps 2 "
          "--batch-size 4 --threads 1 --json out.json");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  EXPECT_TRUE(fs::exists(folder_ / "out.json"));
}

}  // namespace
}  // namespace lockstep::tests

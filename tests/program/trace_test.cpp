// --trace: what the file says of every rank's steps.
#include <cmath>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "program.hpp"
#include "temporary_folder.hpp"

namespace lockstep::tests {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

struct Piece {
  double begin = 0;  // microseconds
  double end = 0;
};
struct Step {
  std::multimap<std::string, Piece> pieces;
};
/// By rank and step.
using Trace = std::map<int, std::map<std::int64_t, Step>>;

class TraceTest : public ::testing::Test {
 protected:
  const TemporaryFolder folder_;
  const std::filesystem::path file_ = folder_ / "trace.json";
  double uncertainty_us_ = 0;

  Outcome train(int ranks, const std::string& more) {
    auto arguments = words(fmt::format(
        "train --synthetic --train-samples 1280 --test-samples 64 --epochs 2 --hidden 64 "
        "--batch-size {} "
        "--output-dir {} {}",
        64 / std::max(ranks, 1), (folder_ / fmt::format("run{}", ranks)).string(), more));
    arguments.insert(arguments.end(), {"--trace", file_.string()});
    return run_program({.arguments = arguments, .ranks = ranks});
  }
  Trace read() {
    std::ifstream stream(file_);
    const auto document = nlohmann::json::parse(stream);
    for (const auto& of_rank : document["otherData"]["clock_uncertainty_us"]) {
      uncertainty_us_ = std::max(uncertainty_us_, of_rank.get<double>());
    }
    Trace trace;
    std::map<int, int> ranks;  // of processes: names come before spans
    for (const auto& event : document["traceEvents"]) {
      EXPECT_GE(event["pid"], 1);  // 0 is the idle task to Perfetto
      EXPECT_GE(event["tid"], 1);
      if (event["name"] == "process_name") {
        std::istringstream name(event["args"]["name"].get<std::string>());
        std::string word;
        name >> word >> ranks[event["pid"]];
        EXPECT_EQ(word, "rank");
      }
      if (event["ph"] != "X") continue;
      const double begin = event["ts"];
      EXPECT_GE(begin, 0);
      trace[ranks.at(event["pid"])][event["args"]["step"]].pieces.emplace(
          event["name"], Piece{begin, begin + event["dur"].get<double>()});
    }
    return trace;
  }
  static std::set<std::int64_t> steps_of(const std::map<std::int64_t, Step>& rank) {
    std::set<std::int64_t> steps;
    for (const auto& [step, content] : rank) steps.insert(step);
    return steps;
  }
  /// One after another, each once, and all that belongs to a step.
  static void expect_whole_steps(const std::map<std::int64_t, Step>& rank) {
    double last = 0;
    for (const auto& [step, content] : rank) {
      for (const char* name : {"data", "forward", "backward", "optimizer"}) {
        ASSERT_EQ(content.pieces.count(name), 1U) << name << " of step " << step;
        const auto& piece = content.pieces.find(name)->second;
        EXPECT_GE(piece.begin, last - 0.01) << name << " of step " << step;
        last = piece.end;
      }
    }
  }
  /// Nobody can leave an all-reduce to which somebody has not come.
  void expect_common_moments(const Trace& trace) {
    for (const auto& [step, content] : trace.at(0)) {
      double last_to_come = 0;
      double first_to_leave = INFINITY;
      for (const auto& [rank, steps] : trace) {
        const auto& pieces = steps.at(step).pieces;
        const auto found = pieces.find("all-reduce of bucket 0");
        ASSERT_NE(found, pieces.end()) << "rank " << rank << ", step " << step;
        last_to_come = std::max(last_to_come, found->second.begin);
        first_to_leave = std::min(first_to_leave, found->second.end);
      }
      EXPECT_LE(last_to_come, first_to_leave + 2 * uncertainty_us_ + 0.01) << "step " << step;
    }
  }
};

TEST_F(TraceTest, ShowsTheStepsOfEveryRank) {
  for (const int ranks : {0, 2, 4}) {
    const auto outcome =
        train(ranks, "--trace-first-step 15 --trace-steps 10");  // past an epoch's end
    ASSERT_EQ(outcome.exit_code, 0) << outcome.standard_error;
    const auto trace = read();
    ASSERT_EQ(trace.size(), static_cast<std::size_t>(std::max(ranks, 1)));
    for (const auto& [rank, steps] : trace) {
      EXPECT_EQ(steps_of(steps), (std::set<std::int64_t>{15, 16, 17, 18, 19, 20, 21, 22, 23, 24}));
      expect_whole_steps(steps);
    }
    if (ranks > 0) expect_common_moments(trace);
  }
}

TEST_F(TraceTest, ARunThatEndsBeforeItsLastStepShowsWhatThereIs) {
  ASSERT_EQ(train(2, "--max-steps 14").exit_code, 0);
  EXPECT_EQ(steps_of(read().at(1)), (std::set<std::int64_t>{11, 12, 13, 14}));
}

TEST_F(TraceTest, ThatNoStepIsShownIsAWarning) {
  const auto outcome = train(2, "--max-steps 5");
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.standard_error, HasSubstr("warning: no trace is written"));
  EXPECT_THAT(outcome.standard_error, HasSubstr("took none of steps 11 to 30"));
  EXPECT_THAT(outcome.standard_error, HasSubstr("this run ends after step 5, before the first"));
  EXPECT_FALSE(std::filesystem::exists(file_));
}

TEST_F(TraceTest, WhatHindersItAtItsEndIsAWarning) {
  auto arguments = words(
      "train --synthetic --train-samples 1280 --test-samples 64 --epochs 1 --hidden 8 "
      "--threads 1 --trace-steps 2 --trace /dev/full --output-dir");
  arguments.push_back((folder_ / "run").string());
  const auto outcome = run_program({.arguments = arguments});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.standard_error, HasSubstr("warning: no trace: cannot write /dev/full"));
  EXPECT_THAT(outcome.errors(), IsEmpty());
}

TEST_F(TraceTest, WhatCannotBeWrittenIsFoundBeforeTheTraining) {
  namespace fs = std::filesystem;
  const auto run = folder_ / "run";
  const auto expect_refused = [&](const fs::path& trace, const std::string& why,
                                  const std::string& more = "") {
    auto arguments = words(
        "train --synthetic --train-samples 1280 --test-samples 64 --epochs 1 "
        "--hidden 8 --threads 1 " +
        more);
    arguments.insert(arguments.end(), {"--output-dir", run.string(), "--trace", trace.string()});
    const auto outcome = run_program({.arguments = arguments});
    EXPECT_EQ(outcome.exit_code, 2) << trace;
    ASSERT_THAT(outcome.errors(), SizeIs(1)) << outcome.standard_error;
    EXPECT_THAT(outcome.errors()[0], AllOf(HasSubstr("--trace " + trace.string()), HasSubstr(why)));
    EXPECT_THAT(outcome.standard_output, IsEmpty());
  };
  expect_refused(folder_ / "nowhere/trace.json", "no folder");
  expect_refused(folder_.path(), "a folder");
  for (const char* name : {"metrics.jsonl", "config.json", "model.safetensors", "predictions.json",
                           "run.lock", "checkpoints/trace.json", "events.out.tfevents.1"}) {
    expect_refused(run / name, "the run itself writes");
    EXPECT_FALSE(fs::exists(run)) << name;
  }
  const auto outcome = run_program(
      {.arguments = words("train --synthetic --train-samples 1280 --test-samples 64 --epochs 1 "
                          "--hidden 8 --threads 1 --output-dir " +
                          run.string() + " --trace " + (run / "trace.json").string())});
  ASSERT_EQ(outcome.exit_code, 0) << "in the folder that the run makes: " << outcome.standard_error;
  EXPECT_TRUE(fs::exists(run / "trace.json"));
  const auto metrics = read_bytes(run / "metrics.jsonl");
  fs::create_symlink(run / "metrics.jsonl", folder_ / "link");
  expect_refused(folder_ / "link", "the run itself writes", "--resume auto");
  EXPECT_EQ(read_bytes(run / "metrics.jsonl"), metrics);
}

}  // namespace
}  // namespace lockstep::tests

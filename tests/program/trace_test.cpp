// --trace: what the file says of every rank's steps.
#include <cmath>
#include <fstream>
#include <map>
#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "program.hpp"
#include "temporary_folder.hpp"

namespace lockstep::tests {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

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
    for (const auto& event : document["traceEvents"]) {
      if (event["ph"] != "X") continue;
      const double begin = event["ts"];
      EXPECT_GE(begin, 0);
      trace[event["pid"]][event["args"]["step"]].pieces.emplace(
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

TEST_F(TraceTest, WhatHindersItIsAWarning) {
  auto outcome = train(2, "--max-steps 5");
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.standard_error, HasSubstr("warning: --trace"));
  EXPECT_THAT(outcome.standard_error, HasSubstr("took none of steps 11 to 30"));
  EXPECT_FALSE(std::filesystem::exists(file_));
  std::filesystem::remove_all(folder_ / "run2");
  std::filesystem::create_directory(file_);
  outcome = train(2, "");
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.standard_error, HasSubstr("warning: --trace: cannot rename to"));
  EXPECT_THAT(outcome.errors(), IsEmpty());
}

}  // namespace
}  // namespace lockstep::tests

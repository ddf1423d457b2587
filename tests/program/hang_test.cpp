// A rank that stops ends the job within its deadline, and is named.
#include <csignal>
#include <regex>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "program.hpp"
#include "temporary_folder.hpp"

namespace lockstep::tests {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr double kDeadlineSeconds = 3;
constexpr double kGraceSeconds = 5;

struct Stop {
  int rank;
  int delay_ms;
  const char* options;
};

/// For the names of the tests.
std::ostream& operator<<(std::ostream& out, const Stop& stop) {
  return out << "rank " << stop.rank << " after " << stop.delay_ms << " ms " << stop.options;
}

class HangTest : public ::testing::TestWithParam<Stop> {};

/// Whatever the rank was at; the phase that the message names is one of these.
const std::regex& message() {
  static const std::regex pattern(
      R"(lockstep: error: .*: rank [0-3] \([^)]*, pid (\d+)\) (did not come|came and fell silent).*)"
      R"(last in (set-up|data|forward|backward|optimizer|evaluation|checkpoint|ending) for .*)"
      R"(ranks? [0-9, -]+ waits?; .*)");
  return pattern;
}

TEST_P(HangTest, AStoppedRankIsNamedAndEndsTheJob) {
  const TemporaryFolder folder;
  const auto& stop = GetParam();
  const auto outcome =
      run_program({.arguments = words(
                       fmt::format("train --epochs 1000 --test-samples 2000 --checkpoint-every 5 "
                                   "--collective-timeout {} --output-dir {} {}",
                                   kDeadlineSeconds, (folder / "run").string(), stop.options)),
                   .ranks = 4,
                   .signal_after_first_line = SIGSTOP,
                   .signal_target = SignalTarget::kOneRank,
                   .signalled_rank = stop.rank,
                   .signal_delay_ms = stop.delay_ms});
  EXPECT_FALSE(outcome.timed_out);
  EXPECT_EQ(outcome.exit_code, 1) << outcome.standard_error;
  EXPECT_EQ(outcome.ranks_left, 0);
  EXPECT_LT(outcome.seconds_after_signal, kDeadlineSeconds + kGraceSeconds);
  ASSERT_THAT(outcome.errors(), SizeIs(1)) << outcome.standard_error;
  std::smatch found;
  const auto error = outcome.errors()[0];
  ASSERT_TRUE(std::regex_match(error, found, message())) << error;
  ASSERT_THAT(outcome.signalled, SizeIs(1));
  EXPECT_EQ(std::stoi(found[1]), outcome.signalled[0]) << error;
  EXPECT_THAT(outcome.standard_error, HasSubstr("warning: "))
      << "no warning at half of the deadline";
}

// Training, a test loop that hardly ends, the root of everything, without shared memory.
INSTANTIATE_TEST_SUITE_P(Moments, HangTest,
                         ::testing::Values(Stop{0, 0, ""}, Stop{1, 350, ""}, Stop{3, 700, ""},
                                           Stop{2, 300, "--train-samples 256 --test-batch-size 1"},
                                           Stop{0, 500, "--train-samples 256 --test-batch-size 1"},
                                           Stop{1, 400, "--node-shared off"},
                                           Stop{0, 300, "--node-shared off"},
                                           Stop{2, 500, "--overlap on --virtual-shards 8"}));

}  // namespace
}  // namespace lockstep::tests

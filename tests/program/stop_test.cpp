// What signals do: every way in which people and batch systems ask a run to stop.
#include <algorithm>
#include <csignal>
#include <filesystem>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "program.hpp"
#include "temporary_folder.hpp"

namespace lockstep::tests {
namespace {

namespace fs = std::filesystem;
using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class StopTest : public ::testing::Test {
 protected:
  const TemporaryFolder folder_;
  const fs::path run_ = folder_ / "run";

  [[nodiscard]] std::vector<std::string> arguments(const std::string& options) const {
    return words("train --synthetic --test-samples 100 --threads 1 --log-every 1 --output-dir " +
                 run_.string() + " " + options);
  }
  static void expect_saved(const Outcome& outcome) {
    EXPECT_EQ(outcome.exit_code, 75) << outcome.standard_error;
    EXPECT_THAT(outcome.standard_error,
                ContainsRegex("lockstep: stopped by a signal in epoch .*the state is saved"));
    EXPECT_THAT(outcome.errors(), IsEmpty()) << outcome.standard_error;
    EXPECT_EQ(outcome.ranks_left, 0);
  }
};

TEST_F(StopTest, EverySignalThatMeansStopSavesTheState) {
  int number = 0;
  for (const int signal : {SIGHUP, SIGUSR2, SIGXCPU, SIGPWR, SIGALRM, SIGTERM, SIGINT, SIGUSR1}) {
    SCOPED_TRACE(signal);
    auto words = arguments("--epochs 1000");
    words[static_cast<std::size_t>(std::find(words.begin(), words.end(), run_.string()) -
                                   words.begin())] += std::to_string(number++);
    expect_saved(run_program({.arguments = words, .signal_after_first_line = signal}));
  }
}

TEST_F(StopTest, Sigusr2ToMpirunSavesTheState) {
  expect_saved(run_program({.arguments = arguments("--epochs 1000"),
                            .ranks = 2,
                            .signal_after_first_line = SIGUSR2,
                            .signal_target = SignalTarget::kLauncher}));
}

TEST_F(StopTest, NohupGoesOn) {
  auto words = arguments("--train-samples 6400 --epochs 2");
  words.insert(words.begin(), LOCKSTEP_PROGRAM);
  const auto outcome =
      run_program({.arguments = words, .program = "nohup", .signal_after_first_line = SIGHUP});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  EXPECT_THAT(outcome.standard_output, HasSubstr("Done!"));
}

/// A test loop of many batches, so that a signal meets it.
std::vector<std::string> with_long_test_loop(std::vector<std::string> words) {
  const std::vector<std::string> more = {
      "--train-samples", "640",       "--test-samples", "2000", "--test-batch-size", "1",
      "--hidden",        "1024,1024", "--epochs",       "2",    "--virtual-shards",  "2"};
  const auto short_loop = std::find(words.begin(), words.end(), "--test-samples");
  words.erase(short_loop, short_loop + 2);
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

TEST_F(StopTest, ASignalInTheTestLoopEndsIt) {
  for (const int ranks : {1, 2}) {
    SCOPED_TRACE(ranks);
    const TemporaryFolder folder;
    const auto run = folder / "run";
    auto words = with_long_test_loop(arguments(""));
    std::replace(words.begin(), words.end(), run_.string(), run.string());
    const auto stopped = run_program({.arguments = words,
                                      .ranks = ranks,
                                      .signal_after_first_line = SIGTERM,
                                      .signal_target = SignalTarget::kOneRank,
                                      .signal_after_text = "lockstep: epoch 1: "});
    expect_saved(stopped);
    EXPECT_THAT(read_events(run, "epoch"), SizeIs(1));
    EXPECT_THAT(read_events(run, "test"), IsEmpty());

    words.insert(words.end(), {"--resume", "auto"});
    const auto resumed = run_program({.arguments = words, .ranks = 3 - ranks});
    ASSERT_EQ(resumed.exit_code, 0) << resumed.standard_error;
    EXPECT_THAT(resumed.standard_output, Not(HasSubstr("Epoch 1")));
    EXPECT_THAT(read_events(run, "epoch"), SizeIs(2));
    EXPECT_THAT(read_events(run, "test"), SizeIs(2));
    EXPECT_THAT(read_events(run, "train"), SizeIs(read_events(run, "run_end").back()["steps"]));
  }
}

TEST_F(StopTest, ADeathInTheTestLoopLosesNoStep) {
  const auto words = with_long_test_loop(arguments(""));
  const auto killed = run_program({.arguments = words,
                                   .signal_after_first_line = SIGKILL,
                                   .signal_delay_ms = 500,
                                   .signal_after_text = "lockstep: epoch 1: "});
  ASSERT_EQ(killed.exit_code, 128 + SIGKILL);
  ASSERT_THAT(read_events(run_, "test"), IsEmpty());
  auto again = words;
  again.insert(again.end(), {"--resume", "auto"});
  const auto resumed = run_program({.arguments = again});
  ASSERT_EQ(resumed.exit_code, 0) << resumed.standard_error;
  EXPECT_THAT(resumed.standard_error, HasSubstr("going on from"));

  auto whole = words;
  std::replace(whole.begin(), whole.end(), run_.string(), (folder_ / "whole").string());
  ASSERT_EQ(run_program({.arguments = whole}).exit_code, 0);
  EXPECT_EQ(read_events(run_, "run_end").back()["parameters_sha256"],
            read_events(folder_ / "whole", "run_end").back()["parameters_sha256"]);
  const auto tests = read_events(run_, "test");
  const auto expected = read_events(folder_ / "whole", "test");
  EXPECT_EQ(tests, expected);
}

TEST_F(StopTest, AsProcessOneOfAContainerTwoSigintsEndIt) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer delivers signals behind the matrix products, both as one";
#endif
  auto words = arguments("--hidden 4096,4096 --batch-size 8192 --epochs 1000 --tensorboard off");
  words.insert(words.begin(), {"--pid", "--fork", "--mount-proc", LOCKSTEP_PROGRAM});
  if (run_program({.arguments = {"--pid", "--fork", "--mount-proc", "true"}, .program = "unshare"})
          .exit_code != 0) {
    GTEST_SKIP() << "no process namespaces for this user";
  }
  const auto outcome = run_program({.arguments = words,
                                    .program = "unshare",
                                    .signal_after_first_line = SIGINT,
                                    .signal_target = SignalTarget::kOneRank,
                                    .signal_delay_ms = 1000,
                                    .signal_after_text = "results in",
                                    .second_signal_delay_ms = 100});
  EXPECT_FALSE(outcome.timed_out);
  EXPECT_EQ(outcome.exit_code, 128 + SIGINT) << outcome.standard_error;
}

TEST_F(StopTest, RanksThatBenchEachAloneStopTogether) {
  // Both ranks have installed their handlers (bit 9 of the signals that a process catches).
  constexpr const char* kBothListen = R"(
    both_listen() {
      local rank caught listening=0
      for rank in $(<"/proc/$1/task/$1/children"); do
        caught=$(sed -n 's/^SigCgt:[[:space:]]*//p' "/proc/$rank/status")
        (((0x$caught & 0x200) == 0)) || ((++listening))
      done
      ((listening == 2))
    })";
  for (const char* delay : {"0", "0.3", "0.6", "1.2"}) {
    const auto command = fmt::format(
        "{}\n{} --oversubscribe -np 2 {} bench step --independent on --steps 900 --hidden "
        "1024,1024 --threads 1 & until both_listen $!; do sleep 0.05; done; sleep {}; kill -USR1 "
        "$!; wait $!",
        kBothListen, LOCKSTEP_MPIRUN, LOCKSTEP_PROGRAM, delay);
    const auto outcome = run_program({.arguments = {"-c", command}, .program = "/bin/bash"});
    EXPECT_FALSE(outcome.timed_out);
    EXPECT_EQ(outcome.exit_code, 1);
    ASSERT_THAT(outcome.errors(), SizeIs(1)) << outcome.standard_error;
    EXPECT_THAT(outcome.errors()[0], HasSubstr("stopped by a signal: nothing was measured"));
  }
}

}  // namespace
}  // namespace lockstep::tests

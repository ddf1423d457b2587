#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <thread>

#include <gtest/gtest.h>

#include <lockstep/runtime/stop_request.hpp>

namespace lockstep::runtime {
namespace {

using ::testing::ExitedWithCode;
using ::testing::KilledBySignal;

/// What no main thread looks at: a library that never returns.
[[noreturn]] void be_stuck() {
  while (true) ::pause();
}

class StopSignals : public ::testing::TestWithParam<int> {};

TEST_P(StopSignals, SetAFlagInsteadOfEndingTheProcess) {
  (void)std::signal(GetParam(), SIG_DFL);  // whoever runs the tests may ignore SIGHUP
  const StopRequest stop;
  EXPECT_FALSE(stop.wanted());
  (void)std::raise(GetParam());
  EXPECT_TRUE(stop.wanted());
  // A process that was asked to stop stays deaf; the next test is not one.
  (void)std::signal(GetParam(), SIG_DFL);
}

INSTANTIATE_TEST_SUITE_P(StopRequest, StopSignals,
                         ::testing::Values(SIGTERM, SIGINT, SIGUSR1, SIGUSR2, SIGHUP, SIGXCPU,
                                           SIGPWR, SIGALRM));

TEST(StopRequest, KeepsTheWishOfNohup) {
  (void)std::signal(SIGHUP, SIG_IGN);
  const StopRequest stop;
  (void)std::raise(SIGHUP);
  EXPECT_FALSE(stop.wanted());
  (void)std::signal(SIGHUP, SIG_DFL);
}

TEST(StopRequest, GivesTheFormerActionsBack) {
  (void)std::signal(SIGUSR2, SIG_IGN);
  { const StopRequest stop; }
  EXPECT_EQ(std::signal(SIGUSR2, SIG_DFL), SIG_IGN);
  EXPECT_EQ(std::signal(SIGTERM, SIG_DFL), SIG_DFL);
}

TEST(StopRequestDeathTest, ASignalThatNobodyLooksAtEndsTheProcess) {
  EXPECT_EXIT(
      {
        StopRequest stop;
        stop.set_patience(std::chrono::milliseconds(500));
        (void)std::raise(SIGTERM);
        be_stuck();
      },
      ExitedWithCode(1), "lockstep: error: .*no step ended within the time limit");
}

TEST(StopRequestDeathTest, ASignalThatWasLookedAtHasTime) {
  EXPECT_EXIT(
      {
        StopRequest stop;
        stop.set_patience(std::chrono::milliseconds(500));
        (void)std::raise(SIGUSR1);
        const bool wanted = stop.wanted();
        std::this_thread::sleep_for(std::chrono::milliseconds(1500));
        std::_Exit(wanted ? 75 : 1);
      },
      ExitedWithCode(75), "");
}

TEST(StopRequestDeathTest, ASecondSigintEndsTheProcessAtOnce) {
  for (const int first : {SIGINT, SIGUSR1, SIGTERM}) {
    EXPECT_EXIT(
        {
          const StopRequest stop;
          (void)std::raise(first);
          (void)std::raise(SIGINT);
          be_stuck();
        },
        KilledBySignal(SIGINT), "");
  }
}

TEST(StopRequestDeathTest, ASecondSigtermCountsWhenItComesLaterThanSlurmsRepetition) {
  EXPECT_EXIT(
      {
        StopRequest stop;
        (void)std::raise(SIGTERM);
        (void)std::raise(SIGTERM);  // still there
        const bool wanted = stop.wanted();
        std::this_thread::sleep_for(StopRequest::kSecondSigterm + std::chrono::seconds(1));
        if (!wanted) std::_Exit(1);
        (void)std::raise(SIGTERM);
        be_stuck();
      },
      KilledBySignal(SIGTERM), "");
}

TEST(StopRequestDeathTest, ARankThatLeavesByItsExitCodeIsDeaf) {
  EXPECT_EXIT(
      {
        const StopRequest stop;
        (void)std::raise(SIGTERM);
        leave_by_exit_code();
        for (const int number : {SIGTERM, SIGINT, SIGHUP, SIGUSR2, SIGXCPU})
          (void)std::raise(number);
        std::_Exit(75);
      },
      ExitedWithCode(75), "");
}

}  // namespace
}  // namespace lockstep::runtime

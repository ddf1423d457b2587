// What is said before MPI is started, and under launchers that are not this MPI's.
#include <csignal>

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

class LaunchTest : public ::testing::Test {
 protected:
  const TemporaryFolder folder_;
  const std::map<std::string, std::string> broken_ = {{"OMPI_MCA_pml", "none-such"}};

  [[nodiscard]] Outcome run(const std::string& arguments,
                            const std::map<std::string, std::string>& environment,
                            int ranks = 0) const {
    auto outcome = run_program({.arguments = words(arguments),
                                .ranks = ranks,
                                .environment = environment,
                                .folder = folder_.path(),
                                .timeout_seconds = 30});
    EXPECT_FALSE(outcome.timed_out);
    EXPECT_FALSE(std::filesystem::exists(folder_ / "runs"));
    return outcome;
  }
  static void expect_one_error(const Outcome& outcome, const std::string& mention) {
    EXPECT_EQ(outcome.exit_code, 2) << outcome.standard_error;
    ASSERT_THAT(outcome.errors(), SizeIs(1)) << outcome.standard_error;
    EXPECT_THAT(outcome.errors()[0], HasSubstr(mention));
    EXPECT_THAT(outcome.standard_output, IsEmpty());
  }
};

TEST_F(LaunchTest, MistakesAreSaidEvenWhereMpiDoesNotStart) {
  ASSERT_NE(run("doctor", broken_).exit_code, 0) << "this MPI starts in spite of all";
  for (const int ranks : {0, 3}) {
    expect_one_error(run("trian", broken_, ranks), "unknown command 'trian'");
    expect_one_error(run("", broken_, ranks), "no command");
    expect_one_error(run("bench stap", broken_, ranks), "'stap'");
    expect_one_error(run("bench step --epochs 3", broken_, ranks), "'--epochs'");
    expect_one_error(run("train --epoch 3", broken_, ranks), "did you mean '--epochs'?");
    expect_one_error(run("train foo", broken_, ranks), "'foo' is not an option");
    expect_one_error(run("doctor --device tpu", broken_, ranks), "--device: 'tpu'");
  }
}

TEST_F(LaunchTest, ARankAloneSaysWhatItsEnvironmentAndFileHold) {
  auto environment = broken_;
  environment["LOCKSTEP_TAIL"] = "cut";
  expect_one_error(run("train", environment), "LOCKSTEP_TAIL: 'cut'");
  write_bytes(folder_ / "train.conf", "\nepochs = many\n");
  expect_one_error(run("train --config train.conf", broken_), "train.conf:2: 'many'");
  expect_one_error(run("train --config none.conf", broken_), "none.conf");
}

TEST_F(LaunchTest, OfThoseThatSrunStartedTheFirstSpeaks) {
  std::map<std::string, std::string> first = {{"SLURM_PROCID", "0"}, {"SLURM_STEP_NUM_TASKS", "2"}};
  auto other = first;
  other["SLURM_PROCID"] = "1";
  const auto expect_the_first_to_speak = [&](const std::string& arguments) {
    expect_one_error(run(arguments, first), "");
    const auto silent = run(arguments, other);
    EXPECT_EQ(silent.exit_code, 2);
    EXPECT_THAT(silent.standard_error, IsEmpty());
  };
  expect_the_first_to_speak("trian");
  expect_the_first_to_speak("train --epoch 3");
  first["LOCKSTEP_TAIL"] = other["LOCKSTEP_TAIL"] = "cut";
  expect_the_first_to_speak("train");
}

TEST_F(LaunchTest, WhatSrunEndsKeepsTheExitCodeOfItsMistake) {
  const auto ended =
      run_program({.arguments = {"trian"},
                   .environment = {{"SLURM_PROCID", "0"}, {"SLURM_STEP_NUM_TASKS", "2"}},
                   .folder = folder_.path(),
                   .timeout_seconds = 30,
                   .signal_after_first_line = SIGTERM,
                   .signal_target = SignalTarget::kLauncher,
                   .signal_after_text = "unknown command"});
  expect_one_error(ended, "unknown command 'trian'");
  EXPECT_THAT(ended.signalled, SizeIs(1)) << "it ended before srun could end it";
}

TEST_F(LaunchTest, ALauncherThatMpiDoesNotKnowIsRefused) {
  for (const char* arguments :
       {"train --synthetic", "evaluate --checkpoint x", "bench step", "bench allreduce"}) {
    for (const std::string variable :
         {"PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS"}) {
      const auto outcome = run(arguments, {{variable, "4"}});
      expect_one_error(outcome, "the launcher started 4 ranks");
      EXPECT_THAT(outcome.standard_error,
                  AllOf(HasSubstr("--mpi=pmix"), HasSubstr("unset " + variable)));
    }
  }
}

TEST_F(LaunchTest, MpirunInsideABatchJobIsNoOtherLauncher) {
  for (const int ranks : {1, 2}) {
    const auto outcome = run("bench allreduce --max-bytes 1K --iterations 1",
                             {{"SLURM_STEP_NUM_TASKS", "3"}, {"SLURM_PROCID", "2"}}, ranks);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  }
}

TEST_F(LaunchTest, OptionsOfOtherRanksDoNotCount) {
  // Rank 1's line is taken from rank 0, as ever; nothing of its own is left over.
  const auto outcome = run_program(
      {.arguments = words("-np 1 " + std::string(LOCKSTEP_PROGRAM) +
                          " train --synthetic --max-steps 1 : -np 1 " + LOCKSTEP_PROGRAM +
                          " train --synthetic --hidden 64 --epochs 3"),
       .program = LOCKSTEP_MPIRUN,
       .folder = folder_.path()});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  EXPECT_THAT(outcome.errors(), IsEmpty());
}

}  // namespace
}  // namespace lockstep::tests

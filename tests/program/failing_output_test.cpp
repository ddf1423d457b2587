// A run outlives what it writes to: standard output, its folder, a limit on the size of files.
#include <fcntl.h>
#include <pty.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "program.hpp"
#include "temporary_folder.hpp"

namespace lockstep::tests {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

const std::string kQuick =
    " train --synthetic --train-samples 6400 --test-samples 100 --threads 1 --epochs 1 "
    "--log-every 1 --output-dir ";

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

/// The digest of the weights, if the run was completed.
std::string digest_of(const fs::path& run) {
  const auto ends = read_events(run, "run_end");
  return ends.empty() || ends.back().at("status") != "completed"
             ? "not completed"
             : ends.back().at("parameters_sha256").get<std::string>();
}

class FailingOutputTest : public ::testing::Test {
 protected:
  const TemporaryFolder folder_;
  const fs::path run_ = folder_ / "run";
  const std::string quick_ = LOCKSTEP_PROGRAM + kQuick;

  /// Of a run whose output arrives.
  std::string expected_digest() {
    const auto run = folder_ / "undisturbed";
    const auto outcome = shell(quick_ + run.string());
    EXPECT_EQ(outcome.exit_code, 0) << outcome.standard_error;
    return digest_of(run);
  }
  Outcome shell(const std::string& command, int standard_output = -1) {
    return run_program({.arguments = {"-c", command},
                        .program = "/bin/bash",
                        .folder = folder_.path(),
                        .standard_output = standard_output});
  }
  void expect_trained(const Outcome& outcome, const std::string& reason) {
    EXPECT_EQ(outcome.exit_code, 0) << outcome.standard_error;
    EXPECT_FALSE(outcome.timed_out);
    EXPECT_EQ(digest_of(run_), expected_digest());
    EXPECT_EQ(count(outcome.standard_error, "cannot write standard output: " + reason), 1U)
        << outcome.standard_error;
    const auto warnings = read_events(run_, "warning");
    ASSERT_THAT(warnings, SizeIs(1));
    EXPECT_THAT(warnings[0].at("text").get<std::string>(), HasSubstr(reason));
  }
};

TEST_F(FailingOutputTest, AFullDiskBehindStandardOutputEndsNoTraining) {
  expect_trained(shell(quick_ + run_.string() + " >/dev/full"), "No space left on device");
}

TEST_F(FailingOutputTest, AClosedStandardOutputEndsNoTraining) {
  expect_trained(shell(quick_ + run_.string() + " >&-"), "Bad file descriptor");
}

TEST_F(FailingOutputTest, NoFileTakesThePlaceOfClosedDescriptors) {
  // Enough lines to fill a pipe that might have got the number of standard output.
  const auto outcome = shell(quick_ + run_.string() + " --batch-size 1 --hidden 8,8 <&- >&- 2>&-");
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_FALSE(outcome.timed_out);
  EXPECT_THAT(digest_of(run_), SizeIs(64));
}

TEST_F(FailingOutputTest, AReaderThatWentEndsNoTraining) {
  expect_trained(shell("set -o pipefail; " + quick_ + run_.string() + " | head -n 1"),
                 "Broken pipe");
}

TEST_F(FailingOutputTest, AReaderThatWentEndsNoTrainingThoughItHadStandardErrorToo) {
  const auto outcome = shell("set -o pipefail; " + quick_ + run_.string() + " 2>&1 | head -n 1");
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(digest_of(run_), expected_digest());
  EXPECT_THAT(read_events(run_, "warning"), SizeIs(1));
}

TEST_F(FailingOutputTest, ATerminalThatWentEndsNoTraining) {
  int terminal = -1;
  int program_side = -1;
  ASSERT_EQ(::openpty(&terminal, &program_side, nullptr, nullptr, nullptr), 0);
  ::close(terminal);
  expect_trained(shell(quick_ + run_.string(), program_side), "Input/output error");
  ::close(program_side);
}

TEST_F(FailingOutputTest, AFullPipeThatDoesNotBlockIsWaitedForOnce) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe2(pipe.data(), O_NONBLOCK), 0);
  const std::string much(1 << 16, 'x');
  while (::write(pipe[1], much.data(), much.size()) > 0) continue;
  expect_trained(shell(quick_ + run_.string(), pipe[1]), "Resource temporarily unavailable");
  ::close(pipe[0]);
  ::close(pipe[1]);
}

TEST_F(FailingOutputTest, ASlowReaderOfAPipeThatDoesNotBlockGetsEveryLine) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
  ASSERT_EQ(::fcntl(pipe[1], F_SETPIPE_SZ, 4096), 4096);
  ASSERT_EQ(::fcntl(pipe[1], F_SETFL, O_NONBLOCK), 0);
  std::string read;
  std::thread reader([&] {
    std::array<char, 512> block{};
    for (ssize_t got = 1; got > 0;) {
      std::this_thread::sleep_for(std::chrono::milliseconds(2));
      got = ::read(pipe[0], block.data(), block.size());
      if (got > 0) read.append(block.data(), static_cast<std::size_t>(got));
    }
  });
  const auto outcome = shell(quick_ + run_.string() + " --batch-size 16 --hidden 8,8", pipe[1]);
  ::close(pipe[1]);
  reader.join();
  ::close(pipe[0]);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  EXPECT_EQ(count(read, "\nloss: "), 400U);
  EXPECT_THAT(read_events(run_, "warning"), IsEmpty());
}

TEST_F(FailingOutputTest, WhereMpirunDiesOfItsReaderTheRanksSave) {
  const std::string mpirun = LOCKSTEP_MPIRUN + std::string(" --oversubscribe -np 2 ");
  const auto piped = shell(mpirun + quick_ + run_.string() + " | head -n 1");
  ASSERT_THAT(read_events(run_, "run_end"), SizeIs(1)) << piped.standard_error;
  const auto resumed = shell(mpirun + quick_ + run_.string() + " --resume auto");
  EXPECT_EQ(resumed.exit_code, 0) << resumed.standard_error;
  const auto undisturbed = folder_ / "two";
  EXPECT_EQ(shell(mpirun + quick_ + undisturbed.string()).exit_code, 0);
  EXPECT_EQ(digest_of(run_), digest_of(undisturbed));
}

TEST_F(FailingOutputTest, OtherCommandsSayThatTheirOutputIsLost) {
  for (const char* command : {" --help >/dev/full", " train --help >/dev/full", " --version >&-"}) {
    const auto outcome = shell(LOCKSTEP_PROGRAM + std::string(command));
    EXPECT_EQ(outcome.exit_code, 1) << command;
    ASSERT_THAT(outcome.errors(), SizeIs(1)) << command;
    EXPECT_THAT(outcome.errors()[0], HasSubstr("cannot write standard output")) << command;
  }
}

TEST_F(FailingOutputTest, ALimitOnFilesIsAWarningLikeAFullDisk) {
  // A checkpoint has 7.5 MB; so has the final model.
  const auto outcome = run_program({.arguments = words("train --synthetic --train-samples 640 "
                                                       "--test-samples 100 --epochs 2 --threads 1 "
                                                       "--hidden 1024,1024 --output-dir " +
                                                       run_.string()),
                                    .file_size_limit_bytes = 6 << 20});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.standard_error,
              HasSubstr("warning: the checkpoint of step 10 was not saved, training goes on"));
  EXPECT_THAT(outcome.standard_output, HasSubstr("Epoch 2"));
  ASSERT_THAT(outcome.errors(), SizeIs(1)) << outcome.standard_error;
  EXPECT_THAT(outcome.errors()[0], HasSubstr("File too large"));
}

class MovedFolderTest : public FailingOutputTest {
 protected:
  /// A run during which something happens to its folder.
  Outcome train_and(std::function<void()> action) {
    return run_program(
        {.arguments =
             words("train --synthetic --train-samples 32000 --test-samples 100 --threads 1 "
                   "--epochs 3 --log-every 1 --hidden 64,64 --output-dir " +
                   run_.string()),
         .at_signal = std::move(action)});
  }
};

TEST_F(MovedFolderTest, ARenamedFolderGetsTheWholeRun) {
  const auto renamed = folder_ / "renamed";
  const auto outcome = train_and([&] { fs::rename(run_, renamed); });
  EXPECT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  EXPECT_FALSE(fs::exists(run_));
  EXPECT_THAT(digest_of(renamed), SizeIs(64));
  for (const char* name :
       {"config.json", "model.safetensors", "predictions.json", "checkpoints/latest"}) {
    EXPECT_TRUE(fs::exists(renamed / name)) << name;
  }
  EXPECT_THAT(outcome.standard_error, HasSubstr("results in " + renamed.string()));
}

TEST_F(MovedFolderTest, AnotherFolderUnderItsOldNameIsLeftAlone) {
  const auto renamed = folder_ / "renamed";
  const auto outcome = train_and([&] {
    fs::rename(run_, renamed);
    fs::create_directory(run_);
  });
  EXPECT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  EXPECT_TRUE(fs::is_empty(run_));
  EXPECT_THAT(digest_of(renamed), SizeIs(64));
}

TEST_F(MovedFolderTest, ARemovedFolderIsSaidAndNotMadeAgain) {
  const auto outcome = train_and([&] { fs::remove_all(run_); });
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.standard_output, HasSubstr("Epoch 3"));
  EXPECT_THAT(outcome.standard_error, HasSubstr("was not saved, training goes on"));
  ASSERT_THAT(outcome.errors(), SizeIs(1)) << outcome.standard_error;
  EXPECT_THAT(outcome.errors()[0], HasSubstr("was removed while the run was writing into it"));
  EXPECT_FALSE(fs::exists(run_));
}

}  // namespace
}  // namespace lockstep::tests

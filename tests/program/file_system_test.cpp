// Runs on file systems that lack what others have.
#include <cerrno>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "program.hpp"
#include "temporary_folder.hpp"

namespace lockstep::tests {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class FileSystemTest : public ::testing::Test {
 protected:
  const TemporaryFolder folder_;
  const fs::path run_ = folder_ / "run";

  /// 40 steps with a checkpoint after each ten.
  [[nodiscard]] Outcome train(std::map<std::string, std::string> environment,
                              const std::string& more = "") const {
    environment["LD_PRELOAD"] = LOCKSTEP_ODD_FILE_SYSTEM;
    return run_program(
        {.arguments = words("train --synthetic --train-samples 2560 --test-samples 64 "
                            "--epochs 1 --hidden 8 --threads 1 --checkpoint-every 10 "
                            "--keep-checkpoints 2 --output-dir " +
                            run_.string() + " " + more),
         .environment = std::move(environment)});
  }
  [[nodiscard]] std::vector<std::string> checkpoints() const {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(run_ / "checkpoints")) {
      names.push_back(entry.path().filename().string());
    }
    return names;
  }
  static std::size_t count(const std::string& text, const std::string& part) {
    std::size_t found = 0;
    for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
    return found;
  }
};

TEST_F(FileSystemTest, WithoutSymbolicLinksCheckpointsAreSavedAndRemovedAndResumed) {
  for (const int reason : {EPERM, EOPNOTSUPP, ENOSYS}) {
    SCOPED_TRACE(reason);
    fs::remove_all(run_);
    const std::map<std::string, std::string> odd = {{"ODD_SYMLINK_ERRNO", std::to_string(reason)}};
    const auto outcome = train(odd, "--max-steps 30");
    EXPECT_EQ(outcome.exit_code, 0) << outcome.standard_error;
    EXPECT_THAT(outcome.errors(), IsEmpty());
    EXPECT_EQ(count(outcome.standard_error, "no symbolic links"), 1U) << outcome.standard_error;
    EXPECT_THAT(read_events(run_, "checkpoint"), SizeIs(3));
    EXPECT_THAT(checkpoints(), ::testing::UnorderedElementsAre("step-00000020.safetensors",
                                                               "step-00000030.safetensors"));
    const auto again = train(odd, "--resume auto");
    EXPECT_EQ(again.exit_code, 0) << again.standard_error;
    EXPECT_THAT(again.standard_error, HasSubstr("going on from"));
    EXPECT_THAT(again.standard_error, HasSubstr("step 30"));
  }
}

TEST_F(FileSystemTest, AnOldLinkDoesNotHideNewerCheckpoints) {
  ASSERT_EQ(train({}, "--max-steps 10").exit_code, 0);
  ASSERT_TRUE(fs::is_symlink(run_ / "checkpoints/latest"));
  const std::map<std::string, std::string> odd = {{"ODD_SYMLINK_ERRNO", std::to_string(EPERM)}};
  ASSERT_EQ(train(odd, "--max-steps 20 --resume auto").exit_code, 0);
  const auto outcome = train(odd, "--resume auto");
  EXPECT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  EXPECT_THAT(outcome.standard_error, HasSubstr("step 20"));
}

TEST_F(FileSystemTest, AFolderThatCannotBeSyncedIsWrittenToAllTheSame) {
  for (const int reason : {EINVAL, EOPNOTSUPP, ENOSYS, EPERM, EBADF}) {
    SCOPED_TRACE(reason);
    fs::remove_all(run_);
    const auto outcome = train({{"ODD_FOLDER_SYNC_ERRNO", std::to_string(reason)}});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.standard_error;
    EXPECT_THAT(outcome.standard_error, ::testing::Not(HasSubstr("warning")));
    EXPECT_TRUE(fs::is_symlink(run_ / "checkpoints/latest"));
  }
}

TEST_F(FileSystemTest, AFolderWhoseSyncFailsIsAnError) {
  const auto outcome = train({{"ODD_FOLDER_SYNC_ERRNO", std::to_string(EIO)}});
  EXPECT_EQ(outcome.exit_code, 1) << outcome.standard_error;
  EXPECT_THAT(outcome.errors(), SizeIs(1)) << outcome.standard_error;
}

}  // namespace
}  // namespace lockstep::tests

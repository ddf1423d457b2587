#include <chrono>
#include <future>
#include <optional>
#include <thread>

#include <gtest/gtest.h>

#include <lockstep/base/error.hpp>
#include <lockstep/train/run_folder.hpp>

#include "expect_error.hpp"
#include "temporary_folder.hpp"

namespace lockstep::train {
namespace {

TEST(RunFolder, MakesNestedFoldersAndTakesEmptyOnes) {
  const tests::TemporaryFolder folder;
  const auto wanted = (folder / "a/b").string();
  EXPECT_EQ(RunFolder::create(wanted).path(), wanted);
  EXPECT_EQ(RunFolder::create(wanted).path(), wanted);  // still holds no run
}

TEST(RunFolder, RefusesAFolderThatHoldsARun) {
  const tests::TemporaryFolder folder;
  tests::write_bytes(folder / "metrics.jsonl", "");
  tests::expect_error<UsageError>([&] { (void)RunFolder::create(folder.path().string()); },
                                  {folder.path().string(), "holds a run", "(output_dir)"});
}

TEST(RunFolder, AFolderThatALiveRunHasIsWaitedForAndRefused) {
  const tests::TemporaryFolder folder;
  const auto path = folder.path().string();
  std::optional<RunFolder> first = RunFolder::open(path);
  tests::expect_error<UsageError>([&] { (void)RunFolder::open(path); },
                                  {path, "in use", "live run"});
  // Freed while somebody waits for it.
  auto waiting = std::async(std::launch::async, [&] { return RunFolder::open(path).path(); });
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  first.reset();
  EXPECT_EQ(waiting.get(), path);
}

TEST(RunFolder, NamesAFolderThatCannotBeMade) {
  const tests::TemporaryFolder folder;
  tests::write_bytes(folder / "file", "");
  tests::expect_error<RuntimeFailure>(
      [&] { (void)RunFolder::create((folder / "file/x").string()); },
      {"file/x", "Not a directory", "(output_dir)"});
}

TEST(RunFolder, DatedFoldersOfOneSecondDiffer) {
  const tests::TemporaryFolder folder;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  const auto first = RunFolder::create("").path();
  const auto second = RunFolder::create("").path();
  EXPECT_NE(first, second);
  EXPECT_TRUE(std::filesystem::is_directory(folder.path() / first));
  EXPECT_EQ(first.parent_path(), "runs");
  std::filesystem::current_path(before);
}

}  // namespace
}  // namespace lockstep::train

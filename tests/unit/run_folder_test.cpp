#include <gtest/gtest.h>

#include <lockstep/base/error.hpp>
#include <lockstep/train/run_folder.hpp>

#include "expect_error.hpp"
#include "temporary_folder.hpp"

namespace lockstep::train {
namespace {

TEST(CreateRunFolder, MakesNestedFoldersAndTakesEmptyOnes) {
  const tests::TemporaryFolder folder;
  const auto wanted = (folder / "a/b").string();
  EXPECT_EQ(create_run_folder(wanted), wanted);
  EXPECT_EQ(create_run_folder(wanted), wanted);  // still holds no run
}

TEST(CreateRunFolder, RefusesAFolderThatHoldsARun) {
  const tests::TemporaryFolder folder;
  tests::write_bytes(folder / "metrics.jsonl", "");
  tests::expect_error<UsageError>([&] { (void)create_run_folder(folder.path().string()); },
                                  {folder.path().string(), "holds a run", "--output-dir"});
}

TEST(CreateRunFolder, NamesAFolderThatCannotBeMade) {
  const tests::TemporaryFolder folder;
  tests::write_bytes(folder / "file", "");
  tests::expect_error<RuntimeFailure>(
      [&] { (void)create_run_folder((folder / "file/x").string()); },
      {"file/x", "Not a directory", "--output-dir"});
}

TEST(CreateRunFolder, DatedFoldersOfOneSecondDiffer) {
  const tests::TemporaryFolder folder;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  const auto first = create_run_folder("");
  const auto second = create_run_folder("");
  EXPECT_NE(first, second);
  EXPECT_TRUE(std::filesystem::is_directory(folder.path() / first));
  EXPECT_EQ(first.parent_path(), "runs");
  std::filesystem::current_path(before);
}

}  // namespace
}  // namespace lockstep::train

#include <unistd.h>

#include <csignal>
#include <string>
#include <sys/resource.h>

#include <gtest/gtest.h>

#include <lockstep/base/error.hpp>
#include <lockstep/base/file.hpp>

#include "expect_error.hpp"
#include "temporary_folder.hpp"

namespace lockstep {
namespace {

std::size_t entries(const std::filesystem::path& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

TEST(WriteFileAtomically, ReplacesTheWholeFile) {
  const tests::TemporaryFolder folder;
  const auto path = folder / "file";
  write_file_atomically(path, "a long first content");
  write_file_atomically(path, "second");
  EXPECT_EQ(tests::read_bytes(path), "second");
  EXPECT_EQ(entries(folder.path()), 1U);
}

TEST(WriteFileAtomically, NamesAFolderThatIsNotThere) {
  tests::expect_error<RuntimeFailure>([] { write_file_atomically("/nowhere/at/all", "text"); },
                                      {"/nowhere/at/all", "No such file or directory"});
}

TEST(WriteFileAtomically, LeavesTheOldFileWhenTheNewOneDoesNotFit) {
  const tests::TemporaryFolder folder;
  const auto path = folder / "file";
  write_file_atomically(path, "old");
  rlimit before = {};
  ::getrlimit(RLIMIT_FSIZE, &before);
  (void)::signal(SIGXFSZ, SIG_IGN);
  const rlimit small = {100, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  tests::expect_error<RuntimeFailure>([&] { write_file_atomically(path, std::string(1000, 'x')); },
                                      {path.string(), "File too large"});
  ::setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(tests::read_bytes(path), "old");
  EXPECT_EQ(entries(folder.path()), 1U);
}

TEST(FileDescriptor, MovesOwnership) {
  FileDescriptor a(::dup(0));
  const int number = a.get();
  FileDescriptor b(std::move(a));
  EXPECT_EQ(b.get(), number);
  b = FileDescriptor();
  EXPECT_EQ(b.get(), -1);
}

}  // namespace
}  // namespace lockstep

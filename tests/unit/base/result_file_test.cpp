#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <thread>

#include <gtest/gtest.h>

#include <lockstep/base/error.hpp>
#include <lockstep/base/file.hpp>
#include <lockstep/base/result_file.hpp>

#include "expect_error.hpp"
#include "temporary_folder.hpp"

namespace lockstep {
namespace {

namespace fs = std::filesystem;

TEST(WriteResultFile, ReplacesAFileAndMakesANewOne) {
  const tests::TemporaryFolder folder;
  const auto path = folder / "result";
  write_result_file(path, "a long first content");
  write_result_file(path, "second");
  EXPECT_EQ(tests::read_bytes(path), "second");
}

TEST(WriteResultFile, KeepsLinksAndWritesWhereTheyLead) {
  const tests::TemporaryFolder folder;
  fs::create_directory(folder / "elsewhere");
  tests::write_bytes(folder / "elsewhere/file", "old");
  fs::create_symlink("elsewhere/file", folder / "link");
  fs::create_symlink("link", folder / "link to the link");
  fs::create_symlink("elsewhere/nothing yet", folder / "dangling");
  write_result_file(folder / "link to the link", "new");
  write_result_file(folder / "dangling", "made");
  for (const char* link : {"link", "link to the link", "dangling"}) {
    EXPECT_TRUE(fs::is_symlink(folder / link)) << link;
  }
  EXPECT_EQ(tests::read_bytes(folder / "elsewhere/file"), "new");
  EXPECT_EQ(tests::read_bytes(folder / "elsewhere/nothing yet"), "made");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder / "elsewhere"), {}), 2);
}

TEST(WriteResultFile, WritesToDevicesAndLeavesThem) {
  const tests::TemporaryFolder folder;
  fs::create_symlink("/dev/null", folder / "link");
  write_result_file(folder / "link", "text");
  EXPECT_TRUE(fs::is_symlink(folder / "link"));
  EXPECT_TRUE(fs::is_character_file("/dev/null"));
  tests::expect_error<RuntimeFailure>([] { write_result_file("/dev/full", "text"); },
                                      {"/dev/full", "No space left"});
  const auto node = folder / "node";
  if (::mknod(node.c_str(), S_IFCHR | 0600, ::makedev(1, 3)) != 0)
    GTEST_SKIP() << "no device nodes";
  write_result_file(node, "text");
  EXPECT_TRUE(fs::is_character_file(node));
}

TEST(WriteResultFile, WaitsForThePipesReader) {
  const tests::TemporaryFolder folder;
  const auto fifo = folder / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  const std::string text(200'000, 'x');  // more than a pipe holds
  std::string received;
  std::thread reader([&] { received = tests::read_bytes(fifo); });
  write_result_file(fifo, text);
  reader.join();
  EXPECT_EQ(received, text);
  EXPECT_TRUE(fs::is_fifo(fifo));
}

TEST(WriteResultFile, GivesUpOnAPipeThatNobodyReads) {
  const tests::TemporaryFolder folder;
  const auto fifo = folder / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  const auto patience = std::chrono::seconds(1);
  tests::expect_error<RuntimeFailure>([&] { write_result_file(fifo, "text", patience); },
                                      {fifo.string(), "nobody has opened it"});
  const FileDescriptor idle(::open(fifo.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  tests::expect_error<RuntimeFailure>(
      [&] { write_result_file(fifo, std::string(200'000, 'x'), patience); },
      {fifo.string(), "nobody has read from it"});
  EXPECT_TRUE(fs::is_fifo(fifo));
}

TEST(WriteResultFile, OwnDescriptorsGoOnWhereTheyStand) {
  const tests::TemporaryFolder folder;
  const auto path = folder / "output";
  const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  write_all(file.get(), as_byte_span("text\n"), path);
  const auto number = std::to_string(file.get());
  write_result_file("/dev/fd/" + number, "more\n");
  fs::create_symlink("/proc/self/fd/" + number, folder / "link");
  write_result_file(folder / "link", "most\n");
  EXPECT_EQ(tests::read_bytes(path), "text\nmore\nmost\n");
}

TEST(RequireWritableResult, FindsAtTheStartWhatCannotBeWritten) {
  const tests::TemporaryFolder folder;
  tests::write_bytes(folder / "file", "old");
  fs::create_symlink(folder / "nowhere/file", folder / "astray");
  for (const fs::path& good : {fs::path(), folder / "new", folder / "file", fs::path("/dev/null"),
                               fs::path("/dev/stderr"), fs::path("new in this folder")}) {
    EXPECT_NO_THROW(require_writable_result("--json", good)) << good;
  }
  const auto expect_refused = [](const fs::path& path, std::string_view why) {
    tests::expect_error<UsageError>([&] { require_writable_result("--json", path); },
                                    {"--json", path.string(), why});
  };
  expect_refused(folder.path(), "a folder");
  expect_refused(folder / "new/", "a folder");
  expect_refused(folder / "nowhere/new", "no folder");
  expect_refused(folder / "file/new", "no folder");
  expect_refused(folder / "astray", "no folder");
  expect_refused("/dev/fd/1000000", "not open");
  const FileDescriptor reading(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  expect_refused("/dev/fd/" + std::to_string(reading.get()), "not open for writing");
  EXPECT_EQ(tests::read_bytes(folder / "file"), "old");
  EXPECT_FALSE(fs::exists(folder / "new"));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder.path()), {}), 2) << "nothing else is left";
  tests::expect_error<RuntimeFailure>([] { require_writable_result("--json", "/proc/new"); },
                                      {"--json /proc/new", "cannot write"});
}

}  // namespace
}  // namespace lockstep

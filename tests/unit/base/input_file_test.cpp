#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <string>
#include <sys/stat.h>
#include <thread>

#include <gtest/gtest.h>

#include <lockstep/base/error.hpp>
#include <lockstep/base/file.hpp>
#include <lockstep/base/input_file.hpp>

#include "expect_error.hpp"
#include "temporary_folder.hpp"

namespace lockstep {
namespace {

constexpr std::size_t kMaxBytes = 1U << 20U;

TEST(ReadInputFile, ReadsFilesPipesAndOwnDescriptorsToTheirEnd) {
  const tests::TemporaryFolder folder;
  const auto path = folder / "input";
  const std::string text(200'000, 'x');  // more than a pipe holds
  tests::write_bytes(path, text);
  EXPECT_EQ(read_input_file(path, kMaxBytes), text);
  tests::write_bytes(path, "");
  EXPECT_EQ(read_input_file(path, kMaxBytes), "");

  const auto fifo = folder / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  std::thread writer([&] { tests::write_bytes(fifo, text); });
  EXPECT_EQ(read_input_file(fifo, kMaxBytes), text);
  writer.join();

  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0);
  const FileDescriptor reading(ends[0]);
  {
    const FileDescriptor writing(ends[1]);
    write_all(writing.get(), as_byte_span("epochs = 1\n"), "pipe");
  }
  EXPECT_EQ(read_input_file("/dev/fd/" + std::to_string(reading.get()), kMaxBytes), "epochs = 1\n");
}

TEST(ReadInputFile, SaysWhatCannotBeRead) {
  const tests::TemporaryFolder folder;
  const auto expect_refused = [](const std::filesystem::path& path, std::string_view why) {
    tests::expect_error<RuntimeFailure>([&] { (void)read_input_file(path, kMaxBytes); },
                                        {"cannot read", path.string(), why});
  };
  expect_refused(folder / "none", "No such file");
  expect_refused(folder.path(), "Is a directory");
  expect_refused("/dev/zero", "more than 1048576 bytes");
  expect_refused("/dev/fd/1000000", "Bad file descriptor");
}

TEST(ReadInputFile, ASignalEndsTheWaitForAPipeThatNobodyWritesTo) {
  const tests::TemporaryFolder folder;
  const auto fifo = folder / "fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  struct sigaction action = {};
  struct sigaction before = {};
  action.sa_handler = [](int) {};
  action.sa_flags = SA_RESTART;  // as the handlers that remember a wish to stop
  ::sigaction(SIGALRM, &action, &before);
  ::alarm(1);
  try {
    (void)read_input_file(fifo, kMaxBytes);
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kPreempted) << error.what();
  }
  ::sigaction(SIGALRM, &before, nullptr);
}

}  // namespace
}  // namespace lockstep

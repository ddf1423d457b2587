#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <sys/ioctl.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <lockstep/metrics/sinks.hpp>

namespace lockstep::metrics {
namespace {

using namespace std::chrono_literals;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using Clock = std::chrono::steady_clock;

/// A terminal of this test's own, in place of standard error while it is opened.
class PseudoTerminal {
 public:
  explicit PseudoTerminal(unsigned short columns) : screen_(::posix_openpt(O_RDWR | O_NOCTTY)) {
    EXPECT_EQ(::grantpt(screen_.get()), 0);
    EXPECT_EQ(::unlockpt(screen_.get()), 0);
    const winsize size = {24, columns, 0, 0};
    EXPECT_EQ(::ioctl(screen_.get(), TIOCSWINSZ, &size), 0);
    // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread
    program_ = FileDescriptor(::open(::ptsname(screen_.get()), O_RDWR | O_NOCTTY));
    EXPECT_GE(program_.get(), 0);
  }
  Terminal open() {
    const FileDescriptor before(::dup(STDERR_FILENO));
    ::dup2(program_.get(), STDERR_FILENO);
    // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread
    ::setenv("TERM", "xterm", 1);
    auto terminal = Terminal::behind_standard_error();
    // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread
    ::setenv("TERM", "dumb", 1);
    EXPECT_FALSE(Terminal::behind_standard_error());
    ::dup2(before.get(), STDERR_FILENO);
    EXPECT_TRUE(terminal);
    return *std::move(terminal);
  }
  /// What was written since the last look. It arrives some time later, in order: a mark behind it
  /// tells when all of it is here.
  std::string written() {
    constexpr char kMark = '\x01';
    EXPECT_EQ(::write(program_.get(), &kMark, 1), 1);
    std::string text;
    while (text.empty() || text.back() != kMark) {
      pollfd ready = {.fd = screen_.get(), .events = POLLIN, .revents = 0};
      char byte = 0;
      if (::poll(&ready, 1, 10'000) != 1 || ::read(screen_.get(), &byte, 1) != 1) {
        ADD_FAILURE() << "the terminal gave only: " << text;
        return text;
      }
      text.push_back(byte);
    }
    text.pop_back();
    return text;
  }

 private:
  FileDescriptor screen_;
  FileDescriptor program_;
};

/// What stands between the carriage returns of one drawing.
std::string text_of(const std::string& drawing) {
  EXPECT_THAT(drawing, StartsWith("\r"));
  EXPECT_THAT(drawing, EndsWith("\x1b[K\r"));
  const auto end = drawing.find('\x1b');
  return drawing.substr(1, end == std::string::npos ? end : end - 1);
}

class ProgressTest : public ::testing::TestWithParam<unsigned short> {
 protected:
  PseudoTerminal screen_{GetParam()};
  Clock::time_point now_ = Clock::time_point(1h);
  std::unique_ptr<EventSink> sink_ = make_progress_sink(screen_.open(), [this] { return now_; });

  void start() {
    sink_->on(RunStart{.device = "cpu", .global_batch_size = 100, .epochs = 2, .total_steps = 120});
    sink_->on(EpochStart{.epoch = 1});
  }
  /// A step a tenth of a second.
  void take_steps(std::int64_t first, std::int64_t last) {
    for (auto step = first; step <= last; ++step) {
      now_ += 100ms;
      sink_->on(StepEnd{.epoch = 1,
                        .step = step,
                        .samples = step * 100,
                        .samples_per_epoch = 6000,
                        .loss = 1.25});
    }
  }
};

TEST_P(ProgressTest, SaysWhereTheRunIsInOneLine) {
  start();
  take_steps(1, 29);
  (void)screen_.written();
  take_steps(30, 30);
  const auto text = text_of(screen_.written());
  EXPECT_LT(text.size(), GetParam());
  if (GetParam() < 60) return;
  EXPECT_THAT(text, StartsWith("epoch 1/2 ["));
  EXPECT_THAT(text, EndsWith(" 50 %  1000 images/s  loss 1.2500  0:09 left"));
  const auto done = std::count(text.begin(), text.end(), '#');
  EXPECT_EQ(done, std::count(text.begin(), text.end(), '.') - 1) << text;  // but for 1.25's
}

TEST_P(ProgressTest, GivesWayToEveryLineThatOthersPrint) {
  start();
  take_steps(1, 3);
  (void)screen_.written();
  sink_->on(TrainStep{});
  EXPECT_EQ(screen_.written(), "\r\x1b[K");
  sink_->on(Warning{});
  EXPECT_THAT(screen_.written(), IsEmpty()) << "nothing is there to be taken away";
  now_ += 20ms;
  sink_->on(StepEnd{.epoch = 1, .step = 4});
  EXPECT_THAT(screen_.written(), IsEmpty()) << "the line may still be on its way";
  take_steps(5, 5);
  EXPECT_THAT(screen_.written(), HasSubstr("epoch 1/2"));
  sink_.reset();
  EXPECT_EQ(screen_.written(), "\r\x1b[K");
}

TEST_P(ProgressTest, IsDrawnTenTimesASecondAtMost) {
  start();
  take_steps(1, 1);
  (void)screen_.written();
  for (int i = 0; i < 90; ++i) {
    now_ += 1ms;
    sink_->on(StepEnd{.epoch = 1, .step = 2});
  }
  EXPECT_THAT(screen_.written(), IsEmpty());
}

INSTANTIATE_TEST_SUITE_P(Widths, ProgressTest, ::testing::Values(20, 80, 200));

}  // namespace
}  // namespace lockstep::metrics

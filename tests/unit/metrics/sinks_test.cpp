#include <csignal>
#include <memory>
#include <sstream>
#include <sys/resource.h>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <lockstep/base/error.hpp>
#include <lockstep/metrics/sinks.hpp>

#include "temporary_folder.hpp"

namespace lockstep::metrics {
namespace {

TEST(ConsoleSink, PrintsTheTutorialsLinesByteForByte) {
  const auto sink = make_console_sink();
  testing::internal::CaptureStdout();
  sink->on(EpochStart{.epoch = 1});
  sink->on(TrainStep{.samples = 64, .samples_per_epoch = 60000, .loss = 2.303494});
  sink->on(TrainStep{.samples = 6464, .samples_per_epoch = 60000, .loss = 12.5});
  sink->on(EpochEnd{.epoch = 1});
  sink->on(Evaluation{.set = Evaluation::Set::kValidation, .correct = 1, .samples = 2});
  sink->on(Evaluation{.correct = 4951, .samples = 10000, .average_loss = 2.162513});
  sink->on(RunEnd{.status = "completed"});
  // What Python prints for print(f"loss: {loss:>7f}  [{current:>5d}/{size:>5d}]") and the rest.
  EXPECT_EQ(testing::internal::GetCapturedStdout(),
            "Epoch 1\n-------------------------------\n"
            "loss: 2.303494  [   64/60000]\n"
            "loss: 12.500000  [ 6464/60000]\n"
            "Test Error: \n Accuracy: 49.5%, Avg loss: 2.162513 \n\n"
            "Done!\n");
}

TEST(ConsoleSink, ARegressionHasNoAccuracy) {
  const auto sink = make_console_sink();
  testing::internal::CaptureStdout();
  sink->on(Evaluation{.samples = 10, .average_loss = 0.5});
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "Test Error: \n Avg loss: 0.500000 \n\n");
}

TEST(ConsoleSink, CountsNoFurtherThanTheTotalWherePaddingRepeatsSamples) {
  const auto sink = make_console_sink();
  testing::internal::CaptureStdout();
  sink->on(TrainStep{.samples = 1002, .samples_per_epoch = 1001, .loss = 1});
  sink->on(TrainStep{.samples = 999, .samples_per_epoch = 1001, .loss = 1});
  EXPECT_EQ(testing::internal::GetCapturedStdout(),
            "loss: 1.000000  [ 1001/ 1001]\nloss: 1.000000  [  999/ 1001]\n");
}

/// A sink that does nothing but need something.
class NeedySink final : public EventSink {
 public:
  explicit NeedySink(SinkNeeds needs) : needs_(needs) {}
  [[nodiscard]] SinkNeeds needs() const override { return needs_; }

 private:
  SinkNeeds needs_;
};

/// What a fan-out of two such sinks needs.
SinkNeeds needs_of_both(SinkNeeds a, SinkNeeds b) {
  std::vector<std::unique_ptr<EventSink>> sinks;
  sinks.push_back(std::make_unique<NeedySink>(a));
  sinks.push_back(std::make_unique<NeedySink>(b));
  return make_fan_out_sink(std::move(sinks))->needs();
}

TEST(FanOutSink, NeedsWhatAnyOfItsSinksNeeds) {
  EXPECT_FALSE(needs_of_both({}, {}).gradient_norm);
  EXPECT_TRUE(needs_of_both({}, {.gradient_norm = true}).gradient_norm);
  EXPECT_TRUE(needs_of_both({.gradient_norm = true}, {}).gradient_norm);
  EXPECT_EQ(needs_of_both({}, {}).histogram_every, 0);
  EXPECT_EQ(needs_of_both({.histogram_every = 6}, {}).histogram_every, 6);
  EXPECT_EQ(needs_of_both({}, {.histogram_every = 6}).histogram_every, 6);
  EXPECT_EQ(needs_of_both({.histogram_every = 4}, {.histogram_every = 6}).histogram_every, 2)
      << "each gets at least what it asked for";
}

TEST(SummarySink, TellsNothingOfAnEpochWithoutSteps) {
  testing::internal::CaptureStderr();
  const auto sink = make_summary_sink(Log(Log::Level::kInfo));
  sink->on(EpochEnd{.epoch = 1});
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  testing::internal::CaptureStderr();
  make_summary_sink(Log(Log::Level::kInfo))->on(EpochEnd{.epoch = 2, .series = {.step = {1.5}}});
  EXPECT_NE(testing::internal::GetCapturedStderr().find("epoch 2: "), std::string::npos);
}

TEST(JsonLinesSink, WritesOneObjectALineWithFullPrecision) {
  const tests::TemporaryFolder folder;
  const auto path = folder / "metrics.jsonl";
  {
    const auto sink = make_json_lines_sink(path);
    sink->on(RunStart{.world_size = 2, .device = "cpu"});
    sink->on(TrainStep{.epoch = 1, .step = 3, .samples = 128, .loss = 1.0 / 3.0});
    sink->on(Evaluation{.epoch = 1, .correct = 1, .samples = 3, .average_loss = 0.1});
    sink->on(RunEnd{.status = "completed", .steps = 3, .parameters_sha256 = "ab"});
  }
  std::istringstream stream(tests::read_bytes(path));
  std::vector<nlohmann::json> events;
  for (std::string line; std::getline(stream, line);) events.push_back(nlohmann::json::parse(line));
  ASSERT_EQ(events.size(), 4U);
  EXPECT_EQ(events[0]["event"], "run_start");
  EXPECT_EQ(events[1]["loss"].get<double>(), 1.0 / 3.0);
  EXPECT_EQ(events[2]["event"], "test");
  EXPECT_EQ(events[2]["accuracy"].get<double>(), 1.0 / 3.0);
  EXPECT_EQ(events[3]["status"], "completed");
}

TEST(JsonLinesSink, SaysWhyItCannotWrite) {
  EXPECT_THROW((void)make_json_lines_sink("/nowhere/metrics.jsonl"), RuntimeFailure);
  const auto full = make_json_lines_sink("/dev/full");
  ::testing::internal::CaptureStderr();
  full->on(RunEnd{.status = "completed"});
  full->on(RunEnd{.status = "completed"});
  const auto told = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(told.find("warning: cannot write /dev/full: No space left"), std::string::npos);
  EXPECT_EQ(told.find("warning"), told.rfind("warning")) << "said twice";
}

/// A limit of the files that this process writes, in place of a disk that fills up.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    (void)std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit lower = {bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &lower);
  }
  ~FileSizeLimit() { ::setrlimit(RLIMIT_FSIZE, &before_); }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  FileSizeLimit(FileSizeLimit&&) = delete;
  FileSizeLimit& operator=(FileSizeLimit&&) = delete;

 private:
  rlimit before_{};
};

TEST(JsonLinesSink, LeavesNoHalfLineOnAFullDiskAndGoesOnLater) {
  const tests::TemporaryFolder folder;
  const auto sink = make_json_lines_sink(folder / "metrics.jsonl");
  ::testing::internal::CaptureStderr();
  {
    const FileSizeLimit limit(20);  // in the middle of the first line
    sink->on(Warning{"lost"});
  }
  sink->on(Warning{"kept"});
  (void)::testing::internal::GetCapturedStderr();
  EXPECT_EQ(tests::read_bytes(folder / "metrics.jsonl"),
            "{\"event\":\"warning\",\"text\":\"kept\"}\n");
}

}  // namespace
}  // namespace lockstep::metrics

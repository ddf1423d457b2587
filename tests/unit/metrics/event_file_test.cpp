// TensorBoard's files of a run that went on, maybe where the clock is behind.
#include <algorithm>
#include <chrono>
#include <cstring>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <lockstep/metrics/sinks.hpp>

#include "temporary_folder.hpp"

namespace lockstep::metrics {
namespace {

namespace fs = std::filesystem;
using ::testing::SizeIs;

std::int64_t now() {
  return std::chrono::duration_cast<std::chrono::seconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

/// An event of nothing but its time, as anybody's writer begins one.
std::string record(double wall_time) {
  std::string event = "\x09" + std::string(sizeof(wall_time), '\0') + std::string("\x10\x07");
  std::memcpy(event.data() + 1, &wall_time, sizeof(wall_time));
  const auto bytes = static_cast<std::uint64_t>(event.size());
  std::string length(sizeof(bytes), '\0');
  std::memcpy(length.data(), &bytes, sizeof(bytes));
  return length + "CRC1" + event + "CRC2";
}

std::vector<double> wall_times(const fs::path& file) {
  std::vector<double> times;
  const auto text = tests::read_bytes(file);
  std::size_t position = 0;
  while (position + 21 <= text.size()) {
    std::uint64_t bytes = 0;
    double time = 0;
    std::memcpy(&bytes, text.data() + position, sizeof(bytes));
    EXPECT_EQ(text[position + 12], '\x09');
    std::memcpy(&time, text.data() + position + 13, sizeof(time));
    times.push_back(time);
    position += bytes + 16;
  }
  EXPECT_EQ(position, text.size());
  return times;
}

class EventFileTest : public ::testing::Test {
 protected:
  const tests::TemporaryFolder folder_;

  void write_file(std::int64_t time_in_name, const std::string& content) {
    tests::write_bytes(folder_ / fmt::format("events.out.tfevents.{}.host.1", time_in_name),
                       content);
  }
  /// What the sink of a start of the run writes.
  void start_run() const {
    const auto sink = make_tensorboard_sink(folder_.path(), {{"lr", "0.1"}});
    sink->on(RunStart{.steps_before = 10});
    sink->on(TrainStep{.step = 11, .loss = 1});
  }
  /// In the order in which TensorBoard reads them.
  [[nodiscard]] std::vector<fs::path> files() const {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(folder_.path())) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
  }
  void expect_order(std::size_t count) const {
    ASSERT_THAT(files(), SizeIs(count));
    double latest = 0;
    for (const auto& file : files()) {
      for (const double time : wall_times(file)) {
        EXPECT_GE(time, latest) << file;
        latest = time;
      }
    }
  }
};

TEST_F(EventFileTest, TimeIsTheClocksWhereThatIsRight) {
  const auto before = now();
  start_run();
  ASSERT_THAT(files(), SizeIs(1));
  const auto times = wall_times(files()[0]);
  ASSERT_THAT(times, SizeIs(4));  // version, start of the session, options, step
  for (const double time : times) {
    EXPECT_GE(time, before);
    EXPECT_LE(time, now() + 1);
  }
}

TEST_F(EventFileTest, ALaterFileComesBehindAnEarlierOneOfAClockThatWasAhead) {
  const auto ahead = now() + 1000;
  write_file(ahead, record(static_cast<double>(ahead)) + record(static_cast<double>(ahead) + 5000));
  for (const std::size_t count : {2U, 3U, 4U}) {  // the second and third within a second, perhaps
    start_run();
    expect_order(count);
  }
  EXPECT_GE(wall_times(files()[1])[0], static_cast<double>(ahead) + 5000);
}

TEST_F(EventFileTest, AFileThatIsTornOrNoneCountsByItsName) {
  const auto ahead = now() + 1000;
  write_file(ahead, record(5).substr(0, 15));
  tests::write_bytes(folder_ / "events.out.tfevents.soon", "");
  tests::write_bytes(folder_ / "events.out.tfevents.99999999999999", "");
  start_run();
  const auto all = files();
  const auto newest = std::count_if(all.begin(), all.end(), [&](const fs::path& file) {
    return file.filename().string().starts_with(fmt::format("events.out.tfevents.{}.", ahead + 1));
  });
  EXPECT_EQ(newest, 1);
}

}  // namespace
}  // namespace lockstep::metrics

#include <string>

#include <gtest/gtest.h>

#include <lockstep/base/error.hpp>
#include <lockstep/metrics/resume_lines.hpp>

#include "expect_error.hpp"
#include "temporary_folder.hpp"

namespace lockstep::metrics {
namespace {

const std::string kStart = R"({"event":"run_start","world_size":2})"
                           "\n";
const std::string kStep1 = R"({"event":"train","epoch":1,"step":1})"
                           "\n";
const std::string kEpoch1 = R"({"event":"epoch","epoch":1})"
                            "\n";
const std::string kTest1 = R"({"event":"test","epoch":1})"
                           "\n";
const std::string kSaved5 = R"({"event":"checkpoint","epoch":2,"step":5})"
                            "\n";
const std::string kStep6 = R"({"event":"train","epoch":2,"step":6})"
                           "\n";
const std::string kPreempted5 = R"({"event":"run_end","status":"preempted","steps":5})"
                                "\n";
const std::string kEpoch2 = R"({"event":"epoch","epoch":2})"
                            "\n";
const std::string kCompleted10 = R"({"event":"run_end","status":"completed","steps":10})"
                                 "\n";

TEST(DropLinesPast, KeepsWhatTheResumedRunWillNotTellAgain) {
  const tests::TemporaryFolder folder;
  const auto path = folder / "metrics.jsonl";
  tests::write_bytes(path, kStart + kStep1 + kEpoch1 + kTest1 + kStep6 + kSaved5 + kPreempted5 +
                               kStart + kEpoch2 + kCompleted10 + R"({"event":"tr)");
  drop_lines_past(path, 5, 2);
  EXPECT_EQ(tests::read_bytes(path),
            kStart + kStep1 + kEpoch1 + kTest1 + kSaved5 + kPreempted5 + kStart);
  drop_lines_past(path, 0, 1);
  EXPECT_EQ(tests::read_bytes(path), kStart + kStart);
  drop_lines_past(folder / "none.jsonl", 5, 2);
  EXPECT_FALSE(std::filesystem::exists(folder / "none.jsonl"));
}

TEST(DropLinesPast, NamesALineThatIsNoObject) {
  const tests::TemporaryFolder folder;
  const auto path = folder / "metrics.jsonl";
  tests::write_bytes(path, kStart + "3\n" + kStep1);
  tests::expect_error<DataError>([&] { drop_lines_past(path, 5, 2); }, {path.string(), "line 2"});
}

TEST(SaysCompleted, OfTheLastWholeLine) {
  const tests::TemporaryFolder folder;
  const auto path = folder / "metrics.jsonl";
  EXPECT_FALSE(says_completed(path, 10));
  tests::write_bytes(path, kStart + kCompleted10);
  EXPECT_TRUE(says_completed(path, 10));
  EXPECT_FALSE(says_completed(path, 20));
  tests::write_bytes(path, kStart + kPreempted5);
  EXPECT_FALSE(says_completed(path, 5));
}

}  // namespace
}  // namespace lockstep::metrics

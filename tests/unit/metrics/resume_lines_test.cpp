#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <lockstep/metrics/resume_lines.hpp>

#include "temporary_folder.hpp"

namespace lockstep::metrics {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

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

TEST(DropLinesPast, LeavesOutWhatIsNoObjectAndKeepsItAside) {
  const tests::TemporaryFolder folder;
  const auto path = folder / "metrics.jsonl";
  const std::vector<std::string> damages = {"3",
                                            "[1]",
                                            "{\"event\":",
                                            "not JSON",
                                            "{\"event\":\"warning\",\"text\":\"\xff\"}",
                                            std::string(100, '\0'),
                                            std::string(std::size_t{3} << 20U, ' ')};
  for (const auto& damage : damages) {
    auto lines = kStart;
    tests::write_bytes(path, lines.append(damage).append("\n").append(kStep1).append(kStep6));
    const auto before = tests::read_bytes(path);
    EXPECT_THAT(drop_lines_past(path, 5, 2),
                AllOf(HasSubstr(path.string()), HasSubstr("line 2"), Not(HasSubstr("\n"))));
    EXPECT_EQ(tests::read_bytes(path), kStart + kStep1) << damage.substr(0, 50);
    EXPECT_EQ(tests::read_bytes(path.string() + ".damaged"), before);
    EXPECT_EQ(drop_lines_past(path, 5, 2), "") << "said again";
  }
  tests::write_bytes(path, "x\n" + kStart + "y\nz\n" + kStep1);
  EXPECT_THAT(drop_lines_past(path, 5, 2), HasSubstr("line 1, and 2 more,"));
  EXPECT_EQ(tests::read_bytes(path), kStart + kStep1);
}

TEST(DropLinesPast, TakesEmptyLinesAndUnusualObjectsAsTheyAre) {
  const tests::TemporaryFolder folder;
  const auto path = folder / "metrics.jsonl";
  const std::string unusual = R"({"event":"train","epoch":"one","step":"many"})"
                              "\n"
                              R"({"event":7})"
                              "\n{}\n";
  tests::write_bytes(path, kStart + "\n" + unusual);
  EXPECT_EQ(drop_lines_past(path, 5, 2), "");
  EXPECT_EQ(tests::read_bytes(path), kStart + unusual);
  EXPECT_EQ(drop_lines_past(folder.path(), 5, 2), "") << "a folder is no file to mend";
}

TEST(SaysCompleted, OfTheLastWholeLine) {
  const tests::TemporaryFolder folder;
  const auto path = folder / "metrics.jsonl";
  EXPECT_FALSE(says_completed(path, 10));
  tests::write_bytes(path, kStart + kCompleted10);
  EXPECT_TRUE(says_completed(path, 10));
  EXPECT_FALSE(says_completed(path, 20));
  tests::write_bytes(path, kStart + kCompleted10 + "no JSON\n");
  EXPECT_TRUE(says_completed(path, 10));
  tests::write_bytes(path, kStart + kPreempted5);
  EXPECT_FALSE(says_completed(path, 5));
}

}  // namespace
}  // namespace lockstep::metrics

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <lockstep/base/error.hpp>
#include <lockstep/report/run_page.hpp>

#include "temporary_folder.hpp"

namespace lockstep::report {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

constexpr const char* kConfig =
    R"({"schema":1,"world_size":2,"options":{"lr":LR,"global_batch_size":128,"hidden":[8,8]}})";

std::string epoch_line(int epoch, double loss) {
  return fmt::format(
      R"({{"event":"epoch","epoch":{},"train_loss":{},"seconds":2,"images_per_second":{},"data_ms":1,)"
      R"("forward_ms":2,"backward_ms":3,"exposed_communication_ms":4,"optimizer_ms":5}})"
      "\n",
      epoch, loss, 100 * epoch);
}

/// Two epochs of ten steps; three classes, of which the last is never right.
class RunTest : public ::testing::Test {
 protected:
  const tests::TemporaryFolder folder_;

  std::filesystem::path write_run(const std::string& name, const std::string& rate = "0.1") {
    auto run = folder_ / name;
    std::filesystem::create_directories(run);
    auto config = std::string(kConfig);
    config.replace(config.find("LR"), 2, rate);
    tests::write_bytes(run / "config.json", config);
    tests::write_bytes(
        run / "metrics.jsonl",
        R"({"event":"run_start","steps_per_epoch":10})"
        "\n"
        R"({"event":"train","step":1,"loss":2.5,"lr":0.1})"
        "\n"
        R"({"event":"train","step":6,"loss":null,"lr":0.1})"
        "\n" +
            epoch_line(1, 2.25) +
            R"({"event":"test","epoch":1,"correct":5,"samples":10,"accuracy":0.5,"avg_loss":1.5})"
            "\n" +
            epoch_line(2, 1.25) +
            R"({"event":"test","epoch":2,"correct":6,"samples":10,"accuracy":0.6,"avg_loss":1.0})"
            "\n"
            R"({"event":"warning","text":"<b>"})"
            "\n"
            R"({"event":"run_end","status":"completed","steps":20,"seconds":4,"parameters_sha256":"ab"})"
            "\n");
    tests::write_bytes(
        run / "predictions.json",
        R"({"schema":1,"samples":10,"classes":["a","b","c"],"confusion":[[3,1,0],[1,3,0],[2,0,0]],)"
        R"("mistakes":[{"index":7,"label":2,"predicted":0,"confidence":0.75,"png_base64":"iVBO"}]})");
    return run;
  }
  void expect_refused(const std::filesystem::path& run, const std::string& why) {
    try {
      (void)read_run(run);
      FAIL() << "not refused, for: " << why;
    } catch (const DataError& error) {
      EXPECT_THAT(error.what(), AllOf(HasSubstr(why), HasSubstr(run.string())));
    }
  }
};

TEST_F(RunTest, ReadsWhatTheFilesSay) {
  const auto run = read_run(write_run("one"));
  EXPECT_EQ(run.name, "one");
  EXPECT_EQ(run.world_size(), 2);
  EXPECT_EQ(run.option("hidden"), "[8,8]");
  EXPECT_THAT(run.steps, SizeIs(2));
  EXPECT_TRUE(std::isnan(run.steps[1].loss));
  EXPECT_EQ(run.epochs.at(1).parts_ms, (std::array<double, 5>{1, 2, 3, 4, 5}));
  EXPECT_EQ(run.seconds, 4);
  EXPECT_EQ(run.status, "completed");
  EXPECT_THAT(run.warnings, ElementsAre("<b>"));
}

TEST_F(RunTest, PrecisionAndRecallAreThoseOfTheMatrix) {
  const auto table = classes_table({read_run(write_run("one"))});
  // a: 3 of the 6 taken for it, 3 of its 4; b: 3 of 4, 3 of 4; c: never named, 0 of its 2.
  EXPECT_THAT(table.rows,
              ElementsAre(ElementsAre("a", "50.0", "75.0"), ElementsAre("b", "75.0", "75.0"),
                          ElementsAre("c", "–", "0.0")));
}

TEST_F(RunTest, ARunThatHasNotEndedIsReported) {
  const auto folder = write_run("running");
  auto text = tests::read_bytes(folder / "metrics.jsonl");
  text.erase(text.find("run_end") + 3);  // in the middle of its line
  tests::write_bytes(folder / "metrics.jsonl", text);
  std::filesystem::remove(folder / "predictions.json");
  const auto run = read_run(folder);
  EXPECT_THAT(run.status, HasSubstr("not ended"));
  EXPECT_FALSE(run.classification);
  EXPECT_THAT(runs_page({run}, {"command"}, false), HasSubstr("predictions.json"));
}

TEST_F(RunTest, ALineThatIsNoJsonIsLeftOutAndSaid) {
  const auto folder = write_run("damaged");
  const auto text = tests::read_bytes(folder / "metrics.jsonl");
  const auto end_of_first = text.find('\n') + 1;
  tests::write_bytes(folder / "metrics.jsonl",
                     text.substr(0, end_of_first) + "\n[1]\n\xff\n" + text.substr(end_of_first));
  const auto run = read_run(folder);
  EXPECT_THAT(run.epochs, SizeIs(2));
  EXPECT_EQ(run.status, "completed");
  EXPECT_THAT(run.warnings,
              ElementsAre(HasSubstr("line 3"), HasSubstr("metrics.jsonl, line 4"), "<b>"));
}

TEST_F(RunTest, SeveralStandSideBySideWithTheirDifferencesFirst) {
  const std::vector<report::Run> runs = {read_run(write_run("one")),
                                         read_run(write_run("two", "0.2"))};
  EXPECT_THAT(options_table(runs).rows.front(), ElementsAre("lr", "0.1", "0.2"));
  EXPECT_THAT(runs_table(runs).rows, SizeIs(2));
  EXPECT_THAT(classes_table(runs).head, SizeIs(5));
}

TEST_F(RunTest, CsvAndJsonHaveALineAnEpoch) {
  const auto run = read_run(write_run("o\"ne"));
  EXPECT_EQ(
      runs_csv({run}),
      "schema,run,ranks,epoch,train_loss,seconds,images_per_second,data_ms,forward_ms,backward_ms,"
      "exposed_communication_ms,optimizer_ms,validation_accuracy,validation_avg_loss,test_accuracy,"
      "test_avg_loss,ema_test_accuracy,ema_test_avg_loss\n"
      "1,\"o\"\"ne\",2,1,2.25,2.0,100.0,1.0,2.0,3.0,4.0,5.0,,,0.5,1.5,,\n"
      "1,\"o\"\"ne\",2,2,1.25,2.0,200.0,1.0,2.0,3.0,4.0,5.0,,,0.6,1.0,,\n");
  const auto json = runs_json({run});
  EXPECT_EQ(json["runs"][0]["epochs"][1]["test_accuracy"], 0.6);
  EXPECT_EQ(json["runs"][0]["images_per_second"], 150);
  EXPECT_EQ(json["runs"][0]["confusion"][2][0], 2);
}

TEST_F(RunTest, ThePageNeedsNothingAndEscapesAll) {
  const auto page = runs_page({read_run(write_run("<one>"))}, {"lockstep train --x '<y>'"}, false);
  EXPECT_THAT(page, AllOf(HasSubstr("&lt;one&gt;"), HasSubstr("&lt;b&gt;"), Not(HasSubstr("<one>")),
                          Not(HasSubstr("<b>")), Not(HasSubstr("https:"))));
  EXPECT_THAT(page, AllOf(HasSubstr("60.00 %"), HasSubstr("75.0 % a; is c (no. 7)"),
                          HasSubstr("data:image/png;base64,iVBO")));
}

TEST_F(RunTest, SaysWhatIsDamaged) {
  expect_refused(folder_.path(), "config.json: cannot be read");
  auto run = write_run("schema");
  tests::write_bytes(run / "config.json", R"({"schema":2})");
  expect_refused(run, "another schema");
  run = write_run("json");
  tests::write_bytes(run / "config.json", "{");
  expect_refused(run, "not a valid JSON object");
  run = write_run("event");
  tests::write_bytes(run / "metrics.jsonl", "{\"event\":\"train\"}\nno\n");
  expect_refused(run, "metrics.jsonl:1: not an event that this version knows");
  run = write_run("classes");
  tests::write_bytes(run / "predictions.json",
                     R"({"schema":1,"classes":["a"],"confusion":[[1,2]],"mistakes":[]})");
  expect_refused(run, "classes that do not fit");
  tests::write_bytes(run / "predictions.json", R"({"schema":1})");
  expect_refused(run, "lacks what belongs in it");
}

}  // namespace
}  // namespace lockstep::report

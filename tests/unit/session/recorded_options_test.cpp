// What a resume takes from the record of its run.
#include <algorithm>
#include <filesystem>
#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <lockstep/session/recorded_options.hpp>
#include <lockstep/task/builtin_task.hpp>

#include "temporary_folder.hpp"

namespace lockstep::session {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class RecordedOptionsTest : public ::testing::Test {
 protected:
  const tests::TemporaryFolder folder_;
  const std::filesystem::path run_ = folder_ / "run";
  std::vector<std::string> notes_;

  RecordedOptionsTest() {
    std::filesystem::create_directories(run_ / "checkpoints");
    record(R"("epochs":3,"max_steps":40,"lr":0.25,"optimizer":"adam","log_every":100,
              "batch_size":16,"global_batch_size":64,"seed":2,"data_seed":2,"synthetic":true,
              "weight_decay":0.0,"threads":7,"later_option":1)");
  }
  void record(const std::string& options) const {
    tests::write_bytes(run_ / "config.json", R"({"schema":1,"options":{)" + options + "}}");
  }
  /// `given` and what is added: "name=value" each.
  std::vector<std::string> after(const std::vector<std::pair<std::string, std::string>>& given,
                                 const std::string& resume = "auto") {
    GivenOptions all{.options = {{"resume", resume, "--resume"}}};
    auto& options = all.options;
    if (resume == "auto") options.push_back({"output-dir", run_.string(), "--output-dir"});
    for (const auto& [name, value] : given) options.push_back({name, value, "--" + name});
    const auto before = options.size();
    add_recorded_options(all, [] { return std::make_unique<task::BuiltinTask>(); });
    notes_ = all.notes;
    std::vector<std::string> added;
    for (auto i = before; i < options.size(); ++i) {
      added.push_back(options[i].name + "=" + options[i].value);
      EXPECT_EQ(options[i].source, (run_ / "config.json").string());
    }
    return added;
  }
};

TEST_F(RecordedOptionsTest, WhatIsNotGivenIsTaken) {
  EXPECT_THAT(after({}), ::testing::UnorderedElementsAre(
                             "epochs=3", "max-steps=40", "lr=0.25", "optimizer=adam",
                             "log-every=100", "global-batch-size=64", "seed=2", "data-seed=2",
                             "synthetic=on", "weight-decay=0.0"));
  ASSERT_EQ(notes_.size(), 1U);
  EXPECT_THAT(notes_[0], AllOf(HasSubstr("taken from"), HasSubstr("--lr 0.25"),
                               HasSubstr("--epochs 3"), Not(HasSubstr("--log-every")),
                               Not(HasSubstr("--data-seed")), Not(HasSubstr("--weight-decay"))));
}

TEST_F(RecordedOptionsTest, WhatIsGivenWinsAndIsSaidWhereItDiffers) {
  const auto added = after({{"lr", "0.5"}, {"optimizer", "adam"}, {"log-every", "7"}});
  EXPECT_THAT(added, Not(Contains(HasSubstr("lr="))));
  ASSERT_EQ(notes_.size(), 2U);
  EXPECT_THAT(notes_[1],
              AllOf(HasSubstr("differ from"), HasSubstr("--lr 0.5 (there 0.25)"),
                    HasSubstr("--log-every 7 (there 100)"), Not(HasSubstr("--optimizer"))));
}

TEST_F(RecordedOptionsTest, NumbersThatTheDataGiveAgainAreNoDifference) {
  record(R"("normalize":"0.25:0.5","augment":"flip")");
  EXPECT_THAT(after({}), ::testing::UnorderedElementsAre("normalize=0.25:0.5", "augment=flip"));
  EXPECT_THAT(after({{"normalize", "auto"}, {"augment", "flip"}}), IsEmpty());
  EXPECT_THAT(notes_, IsEmpty());
  (void)after({{"normalize", "0.25:0.75"}});
  EXPECT_THAT(notes_, Contains(HasSubstr("--normalize 0.25:0.75 (there 0.25:0.5)")));
  record(R"("normalize":"none")");
  (void)after({{"normalize", "auto"}});
  EXPECT_THAT(notes_, ElementsAre(HasSubstr("--normalize auto (there none)")));
}

TEST_F(RecordedOptionsTest, WhatIsGivenSettlesItsLikeToo) {
  EXPECT_THAT(after({{"epochs", "5"}}), Not(Contains(HasSubstr("max-steps"))));
  EXPECT_THAT(after({{"max-steps", "80"}}), Contains("epochs=3"));
  EXPECT_THAT(after({{"batch-size", "8"}}), Not(Contains(HasSubstr("global-batch-size"))));
  EXPECT_THAT(after({{"seed", "4"}}), Not(Contains(HasSubstr("data-seed"))));
  EXPECT_THAT(after({{"data-dir", "/x"}}), Not(Contains(HasSubstr("synthetic"))));
}

TEST_F(RecordedOptionsTest, TheRunIsFoundFromItsCheckpoints) {
  tests::write_bytes(run_ / "checkpoints/step-00000001.safetensors", "");
  for (const auto& place :
       {run_, run_ / "checkpoints", run_ / "checkpoints/step-00000001.safetensors",
        run_ / "checkpoints/latest", run_ / "model.safetensors"}) {
    EXPECT_THAT(after({}, place.string()), Contains("lr=0.25")) << place;
  }
  EXPECT_THAT(after({}, (folder_ / "elsewhere/x.safetensors").string()), IsEmpty());
}

TEST_F(RecordedOptionsTest, FirstWeightsAreTakenWhereTheRunWouldBeginWithThem) {
  record(R"("init_from":"/nowhere/weights")");
  EXPECT_THAT(after({}), ElementsAre("init-from=/nowhere/weights"));
  tests::write_bytes(run_ / "checkpoints/latest", "");
  EXPECT_THAT(after({}), IsEmpty());
}

TEST_F(RecordedOptionsTest, ARecordThatCannotBeUsedIsANote) {
  for (const char* text : {"", "{", "[]", "{}", R"({"schema":2,"options":{"lr":1}})"}) {
    tests::write_bytes(run_ / "config.json", text);
    EXPECT_THAT(after({}), IsEmpty()) << text;
    EXPECT_THAT(notes_, ElementsAre(HasSubstr("no options are taken"))) << text;
  }
  std::filesystem::remove(run_ / "config.json");
  EXPECT_THAT(after({}), IsEmpty());
  EXPECT_THAT(notes_, IsEmpty());
}

TEST_F(RecordedOptionsTest, WithoutResumeNothingIsTaken) {
  GivenOptions given{.options = {{"output-dir", run_.string(), "--output-dir"}}};
  add_recorded_options(given, [] { return std::make_unique<task::BuiltinTask>(); });
  EXPECT_EQ(given.options.size(), 1U);
}

}  // namespace
}  // namespace lockstep::session

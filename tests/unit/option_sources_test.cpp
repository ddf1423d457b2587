#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <lockstep/app/option_sources.hpp>
#include <lockstep/app/train_option_table.hpp>
#include <lockstep/base/error.hpp>

#include "expect_error.hpp"
#include "temporary_folder.hpp"

namespace lockstep::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class OptionSourcesTest : public ::testing::Test {
 protected:
  train::TrainOptions options_;
  const OptionTable table_ = train_option_table(options_);
  const tests::TemporaryFolder folder_;
  std::vector<std::string> warnings_;

  void read(const std::vector<std::string>& arguments,
            const std::vector<std::string>& environment = {}) {
    apply_options(table_,
                  collect_options(table_, arguments, environment, {"checkpoint"}, warnings_));
  }
  void expect_usage_error(const std::vector<std::string>& arguments,
                          std::initializer_list<std::string_view> mentions,
                          const std::vector<std::string>& environment = {}) {
    tests::expect_error<UsageError>([&] { read(arguments, environment); }, mentions);
  }
  std::string config(const std::string& text) {
    tests::write_bytes(folder_ / "train.conf", text);
    return (folder_ / "train.conf").string();
  }
};

TEST_F(OptionSourcesTest, CommandLineThenEnvironmentThenFileThenDefault) {
  const auto file = config("epochs = 3\nlr = 0.5\nbatch-size = 8\n");
  read({"--epochs", "7", "--config", file}, {"LOCKSTEP_EPOCHS=5", "LOCKSTEP_LR=0.25", "HOME=/x"});
  EXPECT_EQ(options_.optimization.epochs, 7);
  EXPECT_EQ(options_.optimization.lr, 0.25);
  EXPECT_EQ(options_.sampling.batch_size, 8);
  EXPECT_EQ(options_.output.log_every, 100);
  EXPECT_THAT(warnings_, IsEmpty());
}

TEST_F(OptionSourcesTest, EnvironmentNamesOptionsWithUnderscores) {
  read({}, {"LOCKSTEP_GLOBAL_BATCH_SIZE=64", "LOCKSTEP_DATA_DIR=/data"});
  EXPECT_EQ(options_.sampling.global_batch_size, 64);
  EXPECT_EQ(options_.data.data_dir, "/data");
}

TEST_F(OptionSourcesTest, AHigherSourceHidesTheOtherOfTwoThatExcludeEachOther) {
  read({"--global-batch-size", "96"}, {"LOCKSTEP_BATCH_SIZE=8"});
  EXPECT_EQ(options_.sampling.global_batch_size, 96);
  EXPECT_EQ(options_.sampling.batch_size, std::nullopt);
}

TEST_F(OptionSourcesTest, AnEmptyVariableIsNotSet) {
  read({}, {"LOCKSTEP_DATA_DIR="});
  EXPECT_EQ(options_.data.data_dir, "");
}

TEST_F(OptionSourcesTest, FlagsNeedNoValue) {
  read({"--synthetic", "--epochs=2"});
  EXPECT_TRUE(options_.data.synthetic);
  EXPECT_EQ(options_.optimization.epochs, 2);
}

TEST_F(OptionSourcesTest, UnknownOptionsSuggestTheNearest) {
  expect_usage_error({"--epoch", "3"}, {"unknown option '--epoch'", "'--epochs'"});
  expect_usage_error({"--batchsize=3"}, {"unknown option '--batchsize'", "'--batch-size'"});
  expect_usage_error({"--config", config("\n# comment\nlearning-rate = 1\n")},
                     {"train.conf:3", "unknown option 'learning-rate'"});
}

TEST_F(OptionSourcesTest, UnknownVariablesAreWarnedOf) {
  read({}, {"LOCKSTEP_EPOCH=3", "LOCKSTEP_BACKTRACE=1", "LOCKSTEP_CHECKPOINT=x"});
  EXPECT_THAT(warnings_, ElementsAre(HasSubstr("LOCKSTEP_EPOCHS")));
}

TEST_F(OptionSourcesTest, BadValuesNameTheirSourceAndWhatWasExpected) {
  expect_usage_error({"--epochs", "0"}, {"--epochs", "'0'", "an integer from 1 to"});
  expect_usage_error({"--epochs", "3x"}, {"--epochs", "'3x'"});
  expect_usage_error({"--epochs", "99999999999999999999"}, {"--epochs"});
  expect_usage_error({"--lr", "nan"}, {"--lr", "'nan'", "a number above 0"});
  expect_usage_error({"--lr", "-1"}, {"--lr", "'-1'"});
  expect_usage_error({"--momentum", "1"}, {"--momentum", "below 1"});
  expect_usage_error({"--tail", "cut"}, {"--tail", "'cut'", "pad, drop, exact"});
  expect_usage_error({"--hidden", "512,,10"}, {"--hidden", "comma-separated"});
  expect_usage_error({"--seed", "-1"}, {"--seed"});
  expect_usage_error({"--shuffle", "yes"}, {"--shuffle", "on, off"});
  expect_usage_error({}, {"LOCKSTEP_TAIL", "'cut'"}, {"LOCKSTEP_TAIL=cut"});
  expect_usage_error({"--config", config("lr = 0.1\n\nepochs = many\n")},
                     {"train.conf:3", "'many'"});
}

TEST_F(OptionSourcesTest, MalformedCommandLines) {
  expect_usage_error({"--epochs"}, {"--epochs", "needs a value"});
  expect_usage_error({"train.conf"}, {"no option"});
  expect_usage_error({"--epochs", "1", "--epochs", "2"}, {"--epochs", "twice"});
  expect_usage_error({"--config", "/nowhere.conf"}, {"--config", "/nowhere.conf", "No such file"});
  expect_usage_error({"--config", config("lr = 1\nlr = 2\n")}, {"'lr'", "twice"});
  expect_usage_error({"--config", config("nonsense\n")}, {"train.conf", "name = value"});
}

TEST_F(OptionSourcesTest, OperandsStandAnywhereBesideOptions) {
  std::vector<std::string> warnings;
  std::vector<std::string> operands;
  const auto given =
      collect_options(table_, {"run-a", "--synthetic", "run-b", "--epochs", "3", "run-c"}, {}, {},
                      warnings, &operands);
  EXPECT_EQ(operands, (std::vector<std::string>{"run-a", "run-b", "run-c"}));
  ASSERT_EQ(given.size(), 2U);
  EXPECT_EQ(given[0].value, "3");
  EXPECT_EQ(given[1].value, "on");
}

}  // namespace
}  // namespace lockstep::app

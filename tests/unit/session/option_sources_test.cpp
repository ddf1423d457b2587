#include <sys/stat.h>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <lockstep/base/error.hpp>
#include <lockstep/options/option_sources.hpp>
#include <lockstep/session/train_option_table.hpp>
#include <lockstep/task/builtin_task.hpp>

#include "expect_error.hpp"
#include "temporary_folder.hpp"

namespace lockstep::options {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class OptionSourcesTest : public ::testing::Test {
 protected:
  train::TrainOptions options_;
  task::BuiltinTask task_;
  const OptionTable table_ = session::train_option_table(options_, task_);
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
  /// Of an option of the task's.
  nlohmann::json value(const std::string& option) const {
    return find_option(table_, option)->binding.get();
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
  EXPECT_EQ(value("data-dir"), "/data");
}

TEST_F(OptionSourcesTest, AHigherSourceHidesTheOtherOfTwoThatExcludeEachOther) {
  read({"--global-batch-size", "96"}, {"LOCKSTEP_BATCH_SIZE=8"});
  EXPECT_EQ(options_.sampling.global_batch_size, 96);
  EXPECT_EQ(options_.sampling.batch_size, std::nullopt);
}

TEST_F(OptionSourcesTest, AnEmptyVariableIsNotSet) {
  read({}, {"LOCKSTEP_DATA_DIR="});
  EXPECT_EQ(value("data-dir"), "");
}

TEST_F(OptionSourcesTest, FlagsNeedNoValue) {
  read({"--synthetic", "--epochs=2"});
  EXPECT_TRUE(value("synthetic").get<bool>());
  EXPECT_EQ(options_.optimization.epochs, 2);
}

TEST_F(OptionSourcesTest, UnknownOptionsSuggestTheNearest) {
  expect_usage_error({"--epoch", "3"}, {"unknown option '--epoch'", "'--epochs'"});
  expect_usage_error({"--batchsize=3"}, {"unknown option '--batchsize'", "'--batch-size'"});
  expect_usage_error({"--config", config("\n# comment\nlearning-rate = 1\n")},
                     {"train.conf:3", "unknown option 'learning-rate'"});
}

TEST_F(OptionSourcesTest, UnknownVariablesAreWarnedOf) {
  read({}, {"LOCKSTEP_EPOCH=3", "LOCKSTEP_BACKTRACE=1", "LOCKSTEP_CHECKPOINT=x",
            "LOCKSTEP_CACHE_DIR=/cache"});
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
  expect_usage_error({"train.conf"}, {"'train.conf'", "is not an option"});
  expect_usage_error({"-epochs", "3"}, {"'-epochs'", "'--epochs'"});
  expect_usage_error({"epochs=3"}, {"'epochs=3'", "'--epochs'"});
  expect_usage_error({"--shuffle", "--output-dir", "x"},
                     {"--shuffle needs a value", "--output-dir follows it", "on, off"});
  expect_usage_error({"--synthetic", "--lr", "--epochs=2"}, {"--lr needs a value", "--epochs=2"});
  expect_usage_error({"--config"}, {"--config needs a value"});
  expect_usage_error({"--config", "/nowhere.conf"}, {"--config", "/nowhere.conf", "No such file"});
  expect_usage_error({"--config", config("lr = 1\nlr = 2\n")}, {"'lr'", "twice"});
  expect_usage_error({"--config", config("nonsense\n")}, {"train.conf", "name = value"});
}

TEST_F(OptionSourcesTest, TheFileMayBeAPipeAndErrorsStillNameItsLine) {
  const auto fifo = (folder_ / "fifo").string();
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  std::thread writer([&] { tests::write_bytes(fifo, "epochs = 3\nlr = 0.5\n"); });
  read({"--config", fifo});
  writer.join();
  EXPECT_EQ(options_.optimization.epochs, 3);
  EXPECT_EQ(options_.optimization.lr, 0.5);
  std::thread second_writer([&] { tests::write_bytes(fifo, "lr = 0.1\nepochs = many\n"); });
  expect_usage_error({"--config", fifo}, {"fifo:2", "'many'"});
  second_writer.join();
  expect_usage_error({"--config", folder_.path().string()}, {"--config", "Is a directory"});
}

TEST_F(OptionSourcesTest, TheLastOfANameOnTheCommandLineCounts) {
  read({"--epochs", "1", "--synthetic", "--epochs", "2", "--synthetic=off"});
  EXPECT_EQ(options_.optimization.epochs, 2);
  EXPECT_FALSE(value("synthetic").get<bool>());
}

TEST_F(OptionSourcesTest, AHomeFolderIsMeantByTheTildeOfAPath) {
  const std::vector<std::string> home = {"HOME=/home/anna", "LOCKSTEP_TRACE=~/trace.json"};
  const auto file = config("data-dir = ~/data\ninit-from = \"~\"\n");
  read({"--output-dir=~/runs/1", "--resume", "./~/x", "--config", file}, home);
  EXPECT_EQ(options_.output.output_dir, "/home/anna/runs/1");
  EXPECT_EQ(value("data-dir"), "/home/anna/data");
  EXPECT_EQ(options_.model.init_from, "/home/anna");
  EXPECT_EQ(options_.output.trace, "/home/anna/trace.json");
  EXPECT_EQ(options_.output.resume, "./~/x");
}

TEST_F(OptionSourcesTest, TheTildeOfAUserIsItsHomeAndOfNobodyAName) {
  read({"--output-dir=~root/x", "--data-dir=~no-such-user-7/x", "--trace=a~b"}, {"HOME=/h"});
  EXPECT_EQ(options_.output.output_dir, "/root/x");
  EXPECT_EQ(value("data-dir"), "~no-such-user-7/x");
  EXPECT_EQ(options_.output.trace, "a~b");
}

TEST_F(OptionSourcesTest, TheConfigurationFileItselfMayLieInTheHomeFolder) {
  (void)config("epochs = 4\n");
  read({"--config=~/train.conf"}, {"HOME=" + folder_.path().string()});
  EXPECT_EQ(options_.optimization.epochs, 4);
}

TEST_F(OptionSourcesTest, ARunsRecordIsAConfigurationFile) {
  tests::write_bytes(folder_ / "config.json",
                     R"({"schema":1,"world_size":4,"options":{"epochs":3,"lr":0.25,"shuffle":false,
                         "hidden":[32,16],"batch_size":16,"global_batch_size":64,"threads":7,
                         "device":"cuda","output_dir":"runs/old","resume":"auto","checkpoint":"x",
                         "trace":"t","data_dir":"/nowhere/data","data_seed":5}})");
  const auto file = (folder_ / "config.json").string();
  read({"--config", file, "--lr", "0.5"});
  EXPECT_EQ(options_.optimization.epochs, 3);
  EXPECT_EQ(options_.optimization.lr, 0.5);
  EXPECT_FALSE(options_.sampling.shuffle);
  EXPECT_EQ(value("hidden"), (std::vector<std::int64_t>{32, 16}));
  EXPECT_EQ(options_.sampling.global_batch_size, 64);
  EXPECT_EQ(options_.sampling.data_seed, 5);
  // Of the machine and the run, or not there.
  EXPECT_EQ(options_.sampling.batch_size, std::nullopt);
  EXPECT_EQ(options_.distribution.threads, 0);
  EXPECT_EQ(options_.distribution.device, runtime::DeviceRequest::kAuto);
  EXPECT_EQ(options_.output.output_dir + options_.output.resume + options_.output.trace, "");
  EXPECT_EQ(value("data-dir"), "");
  tests::write_bytes(folder_ / "config.json", R"({"epochs": 3})");
  expect_usage_error({"--config", file}, {"config.json", "not a run's config.json"});
}

TEST_F(OptionSourcesTest, KubernetesVariablesAreNoMisspeltOptions) {
  const std::string address = "tcp://10.0.0.1:80";
  read({}, {"LOCKSTEP_PORT=" + address, "LOCKSTEP_SERVICE_HOST=10.0.0.1",
            "LOCKSTEP_SERVICE_PORT=80", "LOCKSTEP_SERVICE_PORT_HTTP=80",
            "LOCKSTEP_PORT_80_TCP=" + address, "LOCKSTEP_PORT_80_TCP_PROTO=tcp",
            "LOCKSTEP_PORT_80_TCP_PORT=80", "LOCKSTEP_PORT_80_TCP_ADDR=10.0.0.1",
            "LOCKSTEP_RUN_SERVICE_HOST=10.0.0.2", "LOCKSTEP_RUN_PORT=" + address});
  EXPECT_THAT(warnings_, IsEmpty());
  read({}, {"LOCKSTEP_PORT=80", "LOCKSTEP_SERVICE=x",
            "LOCKSTEP_" + std::string(100'000, 'A') + "_SERVICE_HOST=x"});
  EXPECT_THAT(warnings_, ::testing::SizeIs(3));
}

TEST_F(OptionSourcesTest, ARankWithoutTheFileCanLeaveItAside) {
  std::vector<std::string> warnings;
  const auto given = collect_options(table_, {"--config", "/nowhere.conf", "--epochs", "3"}, {}, {},
                                     warnings, nullptr, ConfigFile::kLeaveAside);
  ASSERT_EQ(given.size(), 1U);
  EXPECT_EQ(given[0].name, "epochs");
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
}  // namespace lockstep::options

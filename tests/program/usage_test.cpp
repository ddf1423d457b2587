// Every mistake a user can make: one clear line, the right exit code, all ranks gone.
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "idx_bytes.hpp"
#include "program.hpp"
#include "temporary_folder.hpp"

namespace lockstep::tests {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class UsageTest : public ::testing::Test {
 protected:
  const TemporaryFolder folder_;
  const std::filesystem::path data_ = folder_ / "data";
  UsageTest() { write_dataset(data_, 100, 50); }

  /// One error line with all of `mentions`, `exit_code`, at 1 rank and at 3; no run folder.
  void expect_error(const std::vector<std::string>& arguments, int exit_code,
                    const std::vector<std::string>& mentions,
                    const std::map<std::string, std::string>& environment = {}) {
    for (const int ranks : {0, 3}) {
      const auto outcome = run_program({.arguments = arguments,
                                        .ranks = ranks,
                                        .environment = environment,
                                        .folder = folder_.path(),
                                        .timeout_seconds = 15});
      EXPECT_FALSE(outcome.timed_out);
      EXPECT_EQ(outcome.exit_code, exit_code) << outcome.standard_error;
      ASSERT_THAT(outcome.errors(), SizeIs(1)) << outcome.standard_error;
      for (const auto& mention : mentions) EXPECT_THAT(outcome.errors()[0], HasSubstr(mention));
      EXPECT_THAT(outcome.standard_output, IsEmpty());
      if (ranks == 0) expect_own_lines_only(outcome.standard_error);
      EXPECT_FALSE(std::filesystem::exists(folder_ / "runs"));
    }
  }
  /// No raw text of an exception or a library. (mpirun adds remarks of its own.)
  static void expect_own_lines_only(const std::string& standard_error) {
    std::istringstream stream(standard_error);
    for (std::string line; std::getline(stream, line);) {
      EXPECT_TRUE(line.starts_with("lockstep: ")) << line;
    }
  }
  std::vector<std::string> train(std::vector<std::string> more) {
    more.insert(more.begin(), {"train", "--epochs", "1"});
    return more;
  }
  std::vector<std::string> train_on_data(std::vector<std::string> more = {}) {
    more.insert(more.end(), {"--data-dir", data_.string()});
    return train(more);
  }
  void replace(const std::string& name, const std::string& bytes) {
    std::filesystem::remove(data_ / name);
    std::filesystem::remove(data_ / (name + ".gz"));
    write_bytes(data_ / name, bytes);
  }
};

TEST_F(UsageTest, Options) {
  expect_error(train({"--epoch", "3"}), 2, {"'--epoch'", "'--epochs'"});
  expect_error(train({"--lr", "-0.1"}), 2, {"--lr", "-0.1", "above 0"});
  expect_error(train({"--batch-size", "64", "--global-batch-size", "64"}), 2,
               {"--batch-size", "--global-batch-size"});
  expect_error(train({"--nesterov"}), 2, {"momentum above 0", "--nesterov", "--momentum"});
  expect_error(train(words("--lr-schedule onecycle --warmup-steps 5")), 2,
               {"warm-up of its own", "--lr-schedule", "--warmup-steps"});
  expect_error(train({"--config", "/nowhere.conf"}), 2, {"/nowhere.conf"});
  expect_error(train({}), 2, {"LOCKSTEP_TAIL", "'cut'"}, {{"LOCKSTEP_TAIL", "cut"}});
  expect_error(train({"--backend", "nccl", "--synthetic"}), 2, {"has no NCCL", "(--backend)"});
}

TEST_F(UsageTest, OptionsCanBeCheckedAlone) {
  const auto check = [&](std::vector<std::string> arguments,
                         std::map<std::string, std::string> environment) {
    arguments.emplace_back("--check-options");
    environment.insert({{"SLURM_NTASKS", "4"}, {"SLURM_PROCID", "1"}});  // as in a batch script
    return run_program({.arguments = std::move(arguments),
                        .environment = std::move(environment),
                        .folder = folder_.path()});
  };
  const auto wrong = check({"train"}, {{"LOCKSTEP_LR", "none"}});
  EXPECT_EQ(wrong.exit_code, 2);
  ASSERT_THAT(wrong.errors(), SizeIs(1));
  EXPECT_THAT(wrong.errors()[0], HasSubstr("LOCKSTEP_LR"));
  for (const auto& command : {"train", "evaluate", "compare"}) {
    const auto right = check({command}, {{"LOCKSTEP_LR", "0.1"}});
    EXPECT_EQ(right.exit_code, 0) << command;
    EXPECT_THAT(right.standard_output + right.standard_error, IsEmpty()) << command;
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "runs"));
}

TEST_F(UsageTest, GlobalBatchThatRanksCannotShare) {
  const auto outcome = run_program(
      {.arguments = train({"--global-batch-size", "64"}), .ranks = 3, .folder = folder_.path()});
  EXPECT_EQ(outcome.exit_code, 2);
  ASSERT_THAT(outcome.errors(), SizeIs(1));
  EXPECT_THAT(outcome.errors()[0], HasSubstr("63 or 66"));
}

TEST_F(UsageTest, SizesBeyondReason) {
  expect_error(train({"--batch-size", "9223372036854775807"}), 2, {"--batch-size", "1048576"});
  expect_error(train({"--batch-size", "1048576", "--accumulate-steps", "1048576"}), 2,
               {"images per step"});
  expect_error(train({"--hidden", "16384,16384,16384,16384"}), 2, {"--hidden", "parameters"});
  expect_error(train({"--threads", "4096"}), 2, {"--threads 4096", "CPUs"});
}

TEST_F(UsageTest, ValuesThatWouldBreakALine) {
  expect_error(train({"--tail", "cu\nt"}), 2, {"cu t"});
  expect_error(train({"--output-dir", "caf\xe9"}), 2, {"--output-dir", "UTF-8"});
}

TEST_F(UsageTest, TheCommandLineBeatsTheEnvironment) {
  const auto outcome = run_program({.arguments = train({"--synthetic", "--max-steps", "1"}),
                                    .environment = {{"LOCKSTEP_DATA_DIR", "/nowhere"}},
                                    .folder = folder_.path()});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.standard_error;
}

TEST_F(UsageTest, MoreRanksThanSamples) {
  const auto outcome = run_program(
      {.arguments = train_on_data({"--train-samples", "2"}), .ranks = 3, .folder = folder_.path()});
  EXPECT_EQ(outcome.exit_code, 2);
  ASSERT_THAT(outcome.errors(), SizeIs(1));
  EXPECT_THAT(outcome.errors()[0], HasSubstr("3 ranks but only 2 training samples"));
}

TEST_F(UsageTest, ARunThatWouldTrainNothing) {
  const auto outcome = run_program(
      {.arguments = train_on_data(words("--tail drop --virtual-shards 128 --batch-size 128")),
       .folder = folder_.path()});
  EXPECT_EQ(outcome.exit_code, 2);
  ASSERT_THAT(outcome.errors(), SizeIs(1)) << outcome.standard_error;
  EXPECT_THAT(outcome.errors()[0],
              AllOf(HasSubstr("dropping the tail leaves nothing to train"), HasSubstr("--tail")));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "runs"));
}

TEST_F(UsageTest, FoldersAreNamedAsMeant) {
  write_bytes(folder_ / "quoted.conf", "\xef\xbb\xbfoutput-dir = \"a b#1\"  # comment\r\n");
  write_bytes(folder_ / "hash.conf", "output-dir = e#3\n");
  write_bytes(folder_ / "home.conf", "output-dir = ~/of-file\n");
  for (const auto& [option, folder] :
       std::map<std::string, std::string>{{"--config=quoted.conf", "a b#1"},
                                          {"--config=hash.conf", "e#3"},
                                          {"--config=home.conf", "of-file"},
                                          {"--output-dir=~/of-line", "of-line"}}) {
    const auto outcome = run_program({.arguments = train_on_data({"--max-steps", "1", option}),
                                      .environment = {{"HOME", folder_.path().string()}},
                                      .folder = folder_.path()});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.standard_error;
    EXPECT_TRUE(std::filesystem::exists(folder_ / folder / "model.safetensors")) << folder;
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ / "~"));
}

TEST_F(UsageTest, AConfigurationFileOfAnyName) {
  write_bytes(folder_ / "caf\xe9.conf", "epochs = many\n");
  expect_error({"train", "--config", "caf\xe9.conf"}, 2, {".conf:1", "'many'"});
  write_bytes(folder_ / "caf\xe9.conf", "max-steps = 1\n");
  const auto outcome =
      run_program({.arguments = {"train", "--synthetic", "--config", "caf\xe9.conf"},
                   .folder = folder_.path()});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.standard_error;
}

TEST_F(UsageTest, CudaThatIsNotThere) {
  expect_error(train_on_data({"--device", "cuda"}), 2,
               {"a GPU is asked for", "compute on the CPU", "(--device)"},
               {{"CUDA_VISIBLE_DEVICES", ""}});
}

TEST_F(UsageTest, MissingData) {
  expect_error(train({"--data-dir", "/nowhere"}), 3, {"/nowhere", "fetch-data.sh"});
  std::filesystem::remove(data_ / "t10k-images-idx3-ubyte");
  expect_error(train_on_data(), 3, {"t10k-images-idx3-ubyte", "missing"});
}

TEST_F(UsageTest, DamagedData) {
  const TinyDataset good(100);
  const auto packed = gzip(good.images);
  std::filesystem::remove(data_ / "train-images-idx3-ubyte");
  write_bytes(data_ / "train-images-idx3-ubyte.gz", packed.substr(0, packed.size() / 2));
  expect_error(train_on_data(), 3, {"train-images-idx3-ubyte.gz", "cut off"});
  replace("train-images-idx3-ubyte", "not an IDX file");
  expect_error(train_on_data(), 3, {"train-images-idx3-ubyte", "bad magic", "offset 0"});
  replace("train-images-idx3-ubyte", "");
  expect_error(train_on_data(), 3, {"train-images-idx3-ubyte", "empty"});
  replace("train-images-idx3-ubyte", TinyDataset(99).images);
  expect_error(train_on_data(), 3, {"99 images", "100 labels"});
  replace("train-images-idx3-ubyte", good.images);
  auto labels = good.labels;
  labels[20] = static_cast<char>(200);
  replace("train-labels-idx1-ubyte", labels);
  expect_error(train_on_data(), 3, {"train-labels-idx1-ubyte", "label 200", "sample 12"});
}

TEST_F(UsageTest, OutputFolder) {
  write_bytes(folder_ / "file", "");
  expect_error(train_on_data({"--output-dir", (folder_ / "file/run").string()}), 1,
               {"file/run", "Not a directory"});
  std::filesystem::create_directory(folder_ / "old");
  write_bytes(folder_ / "old/config.json", "{}");
  expect_error(train_on_data({"--output-dir", (folder_ / "old").string()}), 2,
               {"holds a run", "--output-dir"});
  EXPECT_EQ(read_bytes(folder_ / "old/config.json"), "{}");
}

TEST_F(UsageTest, Checkpoints) {
  expect_error({"evaluate"}, 2, {"--checkpoint"});
  expect_error({"evaluate", "--checkpoint", "/nowhere"}, 3, {"/nowhere"});
  write_bytes(folder_ / "bad.safetensors", "garbage that is long enough");
  expect_error({"evaluate", "--checkpoint", (folder_ / "bad.safetensors").string()}, 3,
               {"bad.safetensors", "offset 0"});
  expect_error(train_on_data({"--init-from", (folder_ / "bad.safetensors").string()}), 3,
               {"bad.safetensors"});
}

TEST_F(UsageTest, CommandsHelpAndVersion) {
  const auto alone = [&](const std::vector<std::string>& arguments) {
    return run_program({.arguments = arguments, .folder = folder_.path()});
  };
  EXPECT_EQ(alone({}).exit_code, 2);
  const auto misspelt = alone({"trian"});
  EXPECT_EQ(misspelt.exit_code, 2);
  EXPECT_THAT(misspelt.errors(), ::testing::ElementsAre(HasSubstr("'train'")));
  EXPECT_THAT(alone({"--help"}).standard_output, HasSubstr("evaluate"));
  EXPECT_THAT(alone({"train", "--help"}).standard_output, HasSubstr("--global-batch-size"));
  EXPECT_THAT(alone({"--version"}).standard_output, HasSubstr("LibTorch"));
}

TEST_F(UsageTest, AMisspeltVariableIsAWarning) {
  const auto outcome = run_program({.arguments = train_on_data(),
                                    .ranks = 2,
                                    .environment = {{"LOCKSTEP_EPOCH", "3"}},
                                    .folder = folder_.path()});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  EXPECT_THAT(outcome.standard_error, HasSubstr("lockstep: warning: "));
  EXPECT_THAT(outcome.standard_error, HasSubstr("LOCKSTEP_EPOCHS"));
}

}  // namespace
}  // namespace lockstep::tests

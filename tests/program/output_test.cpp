// What a run prints and leaves behind.
#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <map>
#include <regex>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "program.hpp"
#include "temporary_folder.hpp"

namespace lockstep::tests {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class OutputTest : public ::testing::Test {
 protected:
  const TemporaryFolder folder_;
  const std::filesystem::path run_ = folder_ / "run";

  Outcome train(int ranks, std::vector<std::string> more) {
    std::vector<std::string> arguments = {"train", "--output-dir", run_.string()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_program(
        {.arguments = arguments, .ranks = ranks, .folder = folder_.path(), .timeout_seconds = 500});
  }
};

TEST_F(OutputTest, StandardOutputIsTheTutorialsAlone) {
  const auto outcome = train(2, {"--epochs", "2", "--train-samples", "20000"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  const std::string loss = R"(loss: \d\.\d{6}  \[ *\d+/20000\]\n)";
  const std::string epoch = R"(-{31}\n()" + loss + R"(){2}Test Error: \n Accuracy: \d+\.\d%, )" +
                            R"(Avg loss: \d\.\d{6} \n\n)";
  EXPECT_TRUE(std::regex_match(outcome.standard_output,
                               std::regex("Epoch 1\n" + epoch + "Epoch 2\n" + epoch + "Done!\n")))
      << outcome.standard_output;
  EXPECT_THAT(outcome.standard_output, HasSubstr("[  128/20000]\n"));
  EXPECT_THAT(outcome.standard_output, HasSubstr("[12928/20000]\n"));
  EXPECT_THAT(outcome.standard_error, HasSubstr("2 ranks × 64 = global batch 128; "
                                                "`--global-batch-size 64` trains as one rank"));
  EXPECT_THAT(outcome.standard_error, HasSubstr("test accuracy"));
}

/// True where OpenBLAS 0.3.21 picks kernels that leave half of the processor unused: it knows no
/// AMD processor with AVX-512, and of Intel's family 6 these models.
bool openblas_picks_slow_kernels() {
  const auto cpus = read_bytes("/proc/cpuinfo");
  const auto has = [&](const std::string& text) { return cpus.find(text) != std::string::npos; };
  if (!has(" avx512f ") || !has(" avx512dq ") || !has(" avx512bw ") || !has(" avx512vl") ||
      !has(" avx512cd ")) {
    return false;
  }
  if (has("AuthenticAMD")) return true;
  constexpr std::array kKnown = {85, 102, 106, 108, 125, 126, 140, 141, 143, 151, 154, 167};
  return has("GenuineIntel") && std::none_of(kKnown.begin(), kKnown.end(), [&](int model) {
           return has("model\t\t: " + std::to_string(model) + "\n");
         });
}

TEST_F(OutputTest, OpenBlasRunsTheKernelsThatFitTheProcessor) {
  const auto outcome = train(2, {"--synthetic", "--max-steps", "1"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  EXPECT_THAT(outcome.standard_error, Not(HasSubstr("OPENBLAS_CORETYPE")));
  const auto config = nlohmann::json::parse(read_bytes(run_ / "config.json"));
  const auto kernels = config.at("versions").at("openblas_kernels");
  if (kernels.is_null()) GTEST_SKIP() << "this LibTorch does not compute with OpenBLAS";
  if (openblas_picks_slow_kernels()) {
    EXPECT_EQ(kernels, "SkylakeX");
  }
}

TEST_F(OutputTest, TheUsersChoiceOfKernelsIsKeptAndItsCostSaid) {
  const auto outcome = run_program(
      {.arguments = {"train", "--output-dir", run_.string(), "--synthetic", "--max-steps", "1"},
       .ranks = 2,
       .environment = {{"OPENBLAS_CORETYPE", "Haswell"}}});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  const auto config = nlohmann::json::parse(read_bytes(run_ / "config.json"));
  const auto kernels = config.at("versions").at("openblas_kernels");
  if (kernels.is_null()) GTEST_SKIP() << "this LibTorch does not compute with OpenBLAS";
  EXPECT_EQ(kernels, "Haswell");
  const std::string warning = "OPENBLAS_CORETYPE makes OpenBLAS run its Haswell kernels";
  const auto first = outcome.standard_error.find(warning);
  EXPECT_EQ(first != std::string::npos, openblas_picks_slow_kernels()) << outcome.standard_error;
  EXPECT_EQ(outcome.standard_error.find(warning, first + 1), std::string::npos) << "said twice";
}

TEST_F(OutputTest, TheFolderHoldsWhatTheContractSays) {
  const auto outcome = train(2, {"--epochs", "1", "--train-samples", "4000", "--log-every", "10",
                                 "--validation-fraction", "0.1", "--lr", "0.01"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  const auto config = nlohmann::json::parse(read_bytes(run_ / "config.json"));
  EXPECT_EQ(config["world_size"], 2);
  EXPECT_EQ(config["options"]["lr"], 0.01);
  EXPECT_EQ(config["options"]["global_batch_size"], 128);
  EXPECT_EQ(config["options"]["data_seed"], 0);
  EXPECT_EQ(config["options"]["train_samples"], 4000);
  EXPECT_EQ(config["options"]["overlap"], "off");
  EXPECT_THAT(config["hosts"], SizeIs(2));
  EXPECT_THAT(config["devices"], SizeIs(2));
  // The digest of the decoded labels of the real data set: zcat t10k-labels-idx1-ubyte.gz |
  // tail -c +9 | sha256sum
  EXPECT_EQ(config["dataset"]["sha256"]["test_labels"],
            "3d0e6c6ea990b53b6f8f500a41cac93881d981b315f84578b7d915342ade01e9");
  EXPECT_THAT(read_events(run_, "run_start"), SizeIs(1));
  const auto steps = read_events(run_, "train");
  ASSERT_THAT(steps, SizeIs(3));  // steps 1, 11 and 21 of 29
  EXPECT_EQ(steps[1]["step"], 11);
  EXPECT_EQ(steps[1]["samples"], 11 * 128);
  EXPECT_EQ(steps[1]["lr"], 0.01);
  EXPECT_GT(steps[1]["images_per_second"], 0);
  const auto epochs = read_events(run_, "epoch");
  ASSERT_THAT(epochs, SizeIs(1));
  for (const char* part : {"data_ms", "forward_ms", "backward_ms", "communication_ms",
                           "exposed_communication_ms", "optimizer_ms", "step_ms_p50"}) {
    EXPECT_GT(epochs[0][part], 0) << part;
  }
  EXPECT_EQ(read_events(run_, "validation").at(0)["samples"], 400);
  EXPECT_EQ(read_events(run_, "test").at(0)["samples"], 10000);
  const auto end = read_events(run_, "run_end").at(0);
  EXPECT_EQ(end["status"], "completed");
  EXPECT_EQ(end["steps"], 29);
  EXPECT_THAT(end["parameters_sha256"].get<std::string>(), SizeIs(64));
}

TEST_F(OutputTest, EvaluateGivesTheFiguresOfTheLastTest) {
  const auto trained = train(2, {"--epochs", "1", "--train-samples", "6000", "--hidden", "64,32"});
  ASSERT_EQ(trained.exit_code, 0) << trained.standard_error;
  const auto begin = trained.standard_output.rfind("Test Error");
  const auto expected =
      trained.standard_output.substr(begin, trained.standard_output.rfind("Done!") - begin);
  for (const int ranks : {0, 3}) {
    const auto outcome = run_program(
        {.arguments = {"evaluate", "--checkpoint", (run_ / "model.safetensors").string()},
         .ranks = ranks});
    EXPECT_EQ(outcome.exit_code, 0) << outcome.standard_error;
    EXPECT_EQ(outcome.standard_output, expected);
  }
}

TEST_F(OutputTest, InitFromStartsWhereAnotherRunEnded) {
  ASSERT_EQ(train(1, {"--max-steps", "20"}).exit_code, 0);
  const auto digest = read_events(run_, "run_end").at(0)["parameters_sha256"];
  const auto again = folder_ / "again";
  const auto outcome = run_program(
      {.arguments = {"train", "--output-dir", again.string(), "--max-steps", "1", "--lr", "1e-300",
                     "--seed", "5", "--init-from", (run_ / "model.safetensors").string()},
       .ranks = 2});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  EXPECT_EQ(read_events(again, "run_end").at(0)["parameters_sha256"], digest);
}

TEST_F(OutputTest, SyntheticDataNeedsNoDataSetAndIsLearnt) {
  const auto outcome = train(2, {"--synthetic", "--epochs", "1", "--lr", "0.05"});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  EXPECT_GT(read_events(run_, "test").at(0)["accuracy"], 0.9);
}

TEST_F(OutputTest, TheSameRunTwiceGivesTheSameBits) {
  std::vector<std::string> digests;
  for (const char* name : {"a", "b"}) {
    const auto folder = folder_ / name;
    ASSERT_EQ(run_program({.arguments = {"train", "--max-steps", "50", "--optimizer", "adam",
                                         "--output-dir", folder.string()},
                           .ranks = 2})
                  .exit_code,
              0);
    digests.push_back(read_events(folder, "run_end").at(0)["parameters_sha256"]);
  }
  EXPECT_EQ(digests[0], digests[1]);
}

/// A sanitizer would catch the signal, and end the rank in its own way.
std::map<std::string, std::string> without_sanitizers_handlers() {
  std::map<std::string, std::string> environment;
  for (const char* name : {"ASAN_OPTIONS", "TSAN_OPTIONS"}) {
    const char* given = std::getenv(name);  // NOLINT(concurrency-mt-unsafe)
    if (given != nullptr) environment[name] = given + std::string(":handle_segv=0:handle_abort=0");
  }
  return environment;
}

TEST_F(OutputTest, ADeadRankEndsAllOthersAndIsNamed) {
  for (const int signal : {SIGKILL, SIGSEGV, SIGABRT}) {
    SCOPED_TRACE(signal);
    const auto outcome = run_program({.arguments = {"train", "--epochs", "1000", "--output-dir",
                                                    (folder_ / std::to_string(signal)).string()},
                                      .ranks = 3,
                                      .environment = without_sanitizers_handlers(),
                                      .signal_after_first_line = signal,
                                      .signal_target = SignalTarget::kOneRank,
                                      .signalled_rank = 1});
    EXPECT_FALSE(outcome.timed_out);
    EXPECT_EQ(outcome.exit_code, 128 + signal);
    EXPECT_EQ(outcome.ranks_left, 0);
    EXPECT_LT(outcome.seconds_after_signal, 10);
    // The first cause, and none of its consequences at the other ranks.
    ASSERT_THAT(outcome.signalled, SizeIs(1));
    EXPECT_THAT(outcome.standard_error,
                ContainsRegex("rank 1 .*exited on signal " + std::to_string(signal)));
    EXPECT_THAT(outcome.errors(), IsEmpty()) << outcome.standard_error;
  }
}

TEST_F(OutputTest, WeightsThatAreNotFiniteAfterTheLastStepAreNotSaved) {
  const auto outcome = train(2, {"--max-steps", "1", "--lr", "1e38"});
  EXPECT_EQ(outcome.exit_code, 1);
  ASSERT_THAT(outcome.errors(), SizeIs(1)) << outcome.standard_error;
  EXPECT_THAT(outcome.errors()[0], HasSubstr("not finite"));
  EXPECT_FALSE(std::filesystem::exists(run_ / "model.safetensors"));
}

TEST_F(OutputTest, ALossThatIsNotFiniteStopsTheRunWithItsStep) {
  const auto outcome = train(2, {"--lr", "1e30"});
  EXPECT_EQ(outcome.exit_code, 1);
  ASSERT_THAT(outcome.errors(), SizeIs(1)) << outcome.standard_error;
  EXPECT_THAT(outcome.errors()[0], HasSubstr("not finite"));
  EXPECT_THAT(outcome.errors()[0], HasSubstr("epoch 1, step"));
  EXPECT_FALSE(std::filesystem::exists(run_ / "model.safetensors"));
}

TEST_F(OutputTest, AFullDiskIsNamedAndLeavesNoHalfModel) {
  // Enough for config.json, metrics and Open MPI's own files, not for the 24 MB of weights.
  const auto outcome = run_program({.arguments = {"train", "--max-steps", "2", "--hidden",
                                                  "2048,2048", "--output-dir", run_.string()},
                                    .folder = folder_.path(),
                                    .file_size_limit_bytes = 16 << 20});
  EXPECT_EQ(outcome.exit_code, 1) << outcome.standard_error;
  ASSERT_THAT(outcome.errors(), SizeIs(1)) << outcome.standard_error;
  EXPECT_THAT(outcome.errors()[0], HasSubstr("model.safetensors"));
  EXPECT_THAT(outcome.errors()[0], HasSubstr("File too large"));
  EXPECT_FALSE(std::filesystem::exists(run_ / "model.safetensors"));
  for (const auto& entry : std::filesystem::directory_iterator(run_)) {
    EXPECT_THAT(entry.path().extension().string(), ::testing::Ne(".part")) << entry.path();
  }
}

}  // namespace
}  // namespace lockstep::tests

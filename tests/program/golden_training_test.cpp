// Whole runs against PyTorch's own (tests/golden/training.json, torch 2.15).
#include <cctype>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <map>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "golden.hpp"
#include "program.hpp"
#include "temporary_folder.hpp"

namespace lockstep::tests {
namespace {

constexpr double kFirstLossesTolerance = 2e-4;
constexpr std::size_t kFirstSteps = 25;
constexpr std::size_t kFirstStepsOfOtherKernels = 15;
constexpr std::size_t kMeanOverSteps = 50;

struct Tolerances {
  std::size_t first_steps;
  double means;
  double norms;
};

/// Relative. Plain SGD stays with PyTorch; momentum, Adam and RMSprop amplify the last bit of a
/// sum, and which bits come out depends on the processor's matrix kernels: with OpenBLAS's AVX2
/// kernels in place of its AVX-512 ones the run with momentum parts from PyTorch at step 111, by up
/// to 1.7 % of a mean over 50 steps, and those with Adam and RMSprop leave 2e-4 at steps 16 and 17.
Tolerances tolerances(bool plain_sgd, const nlohmann::json& kernels) {
  if (plain_sgd) return {.first_steps = kFirstSteps, .means = 0.01, .norms = 1e-4};
  if (kernels == "SkylakeX") return {.first_steps = kFirstSteps, .means = 0.01, .norms = 2e-2};
  return {.first_steps = kFirstStepsOfOtherKernels, .means = 0.03, .norms = 4e-2};
}

bool is_plain_sgd(const nlohmann::json& run) {
  return run["optimizer"] == "SGD" && run["options"].empty();
}

std::vector<std::string> arguments_for(const nlohmann::json& run, const std::string& folder) {
  std::string optimizer = run["optimizer"];
  for (auto& letter : optimizer) letter = static_cast<char>(std::tolower(letter));
  std::vector<std::string> arguments = {"train",
                                        "--output-dir",
                                        folder,
                                        "--log-every",
                                        "1",
                                        "--batch-size",
                                        run["batch_size_per_rank"].dump(),
                                        "--lr",
                                        run["lr"].dump(),
                                        "--optimizer",
                                        optimizer,
                                        "--shuffle",
                                        run["shuffle"] ? "on" : "off",
                                        "--seed",
                                        run["init_seed"].dump(),
                                        "--data-seed",
                                        run["seed"].dump(),
                                        "--epochs",
                                        std::to_string(run["epochs"].size())};
  for (const auto& [name, value] : run["options"].items()) {
    arguments.push_back(name == "weight_decay" ? "--weight-decay" : "--" + name);
    arguments.push_back(value.dump());
  }
  return arguments;
}

void expect_losses(const std::vector<nlohmann::json>& steps, const nlohmann::json& run,
                   const Tolerances& tolerances) {
  const std::vector<double> expected = run["step_loss"];
  ASSERT_GE(steps.size(), expected.size());
  const std::size_t exact = is_plain_sgd(run) ? expected.size() : tolerances.first_steps;
  for (std::size_t i = 0; i < exact; ++i) {
    const double loss = steps[i]["loss"];
    ASSERT_NEAR(loss, expected[i], kFirstLossesTolerance * expected[i]) << "step " << i + 1;
    ASSERT_EQ(steps[i]["step"], i + 1);
  }
  for (std::size_t begin = 0; begin + kMeanOverSteps <= expected.size(); begin += kMeanOverSteps) {
    double mine = 0;
    double theirs = 0;
    for (std::size_t i = begin; i < begin + kMeanOverSteps; ++i) {
      mine += steps[i]["loss"].get<double>();
      theirs += expected[i];
    }
    EXPECT_NEAR(mine, theirs, tolerances.means * theirs) << "mean from step " << begin + 1;
  }
}

void expect_test_figures(const std::vector<nlohmann::json>& tests, const nlohmann::json& run) {
  ASSERT_EQ(tests.size(), run["epochs"].size());
  for (std::size_t e = 0; e < tests.size(); ++e) {
    const auto& expected = run["epochs"][e];
    EXPECT_EQ(tests[e]["samples"], 10000);
    EXPECT_NEAR(tests[e]["accuracy"], expected["accuracy"], is_plain_sgd(run) ? 0.001 : 0.015);
    if (is_plain_sgd(run)) {
      EXPECT_NEAR(tests[e]["avg_loss"], expected["avg_loss_over_batches"], 2e-4);
    }
  }
}

/// The L2 norm of each tensor in a safetensors file, by name, computed here without Lockstep.
std::map<std::string, double> norms_in(const std::filesystem::path& path) {
  const auto bytes = read_bytes(path);
  std::uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, bytes.data(), sizeof header_bytes);
  const auto header = nlohmann::json::parse(bytes.substr(8, header_bytes));
  std::map<std::string, double> norms;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") continue;
    double sum = 0;
    const std::size_t begin = entry["data_offsets"][0];
    const std::size_t end = entry["data_offsets"][1];
    for (std::size_t at = begin; at < end; at += sizeof(float)) {
      float value = 0;
      std::memcpy(&value, &bytes[8 + header_bytes + at], sizeof value);
      sum += static_cast<double>(value) * value;
    }
    norms[name] = std::sqrt(sum);
  }
  return norms;
}

void expect_norms(const std::filesystem::path& folder, const nlohmann::json& run,
                  double tolerance) {
  const auto norms = norms_in(folder / "model.safetensors");
  ASSERT_EQ(norms.size(), run["param_l2"].size());
  for (const auto& [name, expected] : run["param_l2"].items()) {
    const double norm = expected;
    EXPECT_NEAR(norms.at("linear_relu_stack." + name), norm, tolerance * norm) << name;
  }
}

class GoldenTraining : public ::testing::TestWithParam<std::size_t> {};

TEST_P(GoldenTraining, MatchesPyTorch) {
  const auto run = load_golden("training.json", "runs")[GetParam()];
  const TemporaryFolder folder;
  const auto output = (folder / "run").string();
  const auto outcome = run_program({.arguments = arguments_for(run, output),
                                    .ranks = run["world_size"],
                                    .folder = folder.path(),
                                    .timeout_seconds = 500});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  const auto config = nlohmann::json::parse(read_bytes(folder / "run" / "config.json"));
  const auto tolerance =
      tolerances(is_plain_sgd(run), config.at("versions").at("openblas_kernels"));
  expect_losses(read_events(output, "train"), run, tolerance);
  expect_test_figures(read_events(output, "test"), run);
  expect_norms(output, run, tolerance.norms);
}

std::string name_of(const ::testing::TestParamInfo<std::size_t>& info) {
  static const nlohmann::json golden = load_golden("training.json", "runs");
  const auto& run = golden[info.param];
  std::string options;
  for (const auto& [name, value] : run["options"].items()) options += "_" + name;
  return fmt::format("{}{}_np{}_batch{}", run["optimizer"].get<std::string>(), options,
                     run["world_size"].get<int>(), run["batch_size_per_rank"].get<int>());
}

INSTANTIATE_TEST_SUITE_P(EveryRecordedRun, GoldenTraining, ::testing::Range<std::size_t>(0, 6),
                         name_of);

TEST(GoldenRuns, AreAllTested) {
  EXPECT_EQ(load_golden("training.json", "runs").size(), 6U);
}

}  // namespace
}  // namespace lockstep::tests

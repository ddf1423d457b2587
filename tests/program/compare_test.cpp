// lockstep compare, on short runs of the real program.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "program.hpp"
#include "temporary_folder.hpp"

namespace lockstep::tests {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;

class CompareTest : public ::testing::Test {
 protected:
  const TemporaryFolder folder_;

  void train(const std::string& name, const std::vector<std::string>& more = {},
             const std::string& steps = "20", const std::string& log_every = "5") {
    std::vector<std::string> arguments = {"train",        "--synthetic", "--threads",   "1",
                                          "--max-steps",  steps,         "--log-every", log_every,
                                          "--output-dir", name};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const auto outcome = run_program({.arguments = arguments, .folder = folder_.path()});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  }
  Outcome compare(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "compare");
    // With this setting MPI cannot start: comparing does not need it.
    return run_program({.arguments = arguments,
                        .environment = {{"OMPI_MCA_pml", "none-such"}},
                        .folder = folder_.path()});
  }
  void expect_error(const std::vector<std::string>& arguments, int exit_code,
                    const std::string& mention) {
    const auto outcome = compare(arguments);
    EXPECT_EQ(outcome.exit_code, exit_code) << outcome.standard_error;
    ASSERT_THAT(outcome.errors(), SizeIs(1)) << outcome.standard_error;
    EXPECT_THAT(outcome.errors()[0], HasSubstr(mention));
    EXPECT_THAT(outcome.standard_output, IsEmpty());
  }
};

TEST_F(CompareTest, TheSameRunTwiceIsIdentical) {
  train("a");
  train("b");
  const auto outcome = compare({"a", "b"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.standard_output << outcome.standard_error;
  EXPECT_THAT(outcome.standard_output, StartsWith("identical: 4 loss lines, "));
  EXPECT_THAT(outcome.standard_error, IsEmpty());
  const auto end = read_events(folder_ / "a", "run_end").at(0);
  const auto digest = end.at("parameters_sha256").get<std::string>();
  EXPECT_THAT(outcome.standard_output, HasSubstr("final weights (sha256 " + digest.substr(0, 12)));

  const auto json = nlohmann::json::parse(compare({"--json", "a", "b"}).standard_output);
  EXPECT_EQ(json.at("schema"), 1);
  EXPECT_EQ(json.at("identical"), true);
  EXPECT_TRUE(json.at("first_difference").is_null());
  EXPECT_EQ(json.at("losses").at("compared"), 4);
  EXPECT_EQ(json.at("final_weights").at("sha256"), digest);
}

TEST_F(CompareTest, AnotherSeedPartsAtTheFirstStep) {
  train("a");
  train("b", {"--seed", "1"});
  const auto outcome = compare({"a", "b"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.errors(), IsEmpty());
  EXPECT_THAT(outcome.standard_output, StartsWith("the runs differ: loss at epoch 1, step 1: "));
  EXPECT_THAT(outcome.standard_output, HasSubstr("\n4 of 4 loss lines differ\n"));
  EXPECT_THAT(outcome.standard_output,
              HasSubstr("linear_relu_stack.0.weight, 40"));  // of 401408 values, nearly all
  EXPECT_THAT(outcome.standard_error,
              HasSubstr("warning: settings that may change bits differ: data_seed 0 against 1; "
                        "seed 0 against 1\n"));

  const auto json_outcome = compare({"a", "b", "--json"});
  EXPECT_EQ(json_outcome.exit_code, 1);
  const auto json = nlohmann::json::parse(json_outcome.standard_output);
  EXPECT_EQ(json.at("identical"), false);
  EXPECT_EQ(json.at("first_difference").at("of"), "loss");
  EXPECT_EQ(json.at("first_difference").at("step"), 1);
  EXPECT_GT(json.at("first_difference").at("relative"), 0);
  EXPECT_EQ(json.at("final_weights").at("first_difference").at("tensor"),
            "linear_relu_stack.0.weight");
  EXPECT_THAT(json.at("settings"), SizeIs(2));
}

TEST_F(CompareTest, OneBitOfTheFinalWeightsIsFound) {
  train("a");
  train("b");
  auto bytes = read_bytes(folder_ / "b/model.safetensors");
  bytes.back() = static_cast<char>(bytes.back() ^ 1);  // the last value of the last bias
  write_bytes(folder_ / "b/model.safetensors", bytes);
  EXPECT_EQ(compare({"a", "b"}).exit_code, 3) << "the file's digest should not match";
  // Without a digest, as files of other tools are.
  const std::string entry = "lockstep.sha256";
  bytes.replace(bytes.find(entry), entry.size(), "lockstep.nobody");
  write_bytes(folder_ / "b/model.safetensors", bytes);
  const auto outcome = compare({"a", "b"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.standard_output,
              StartsWith("the runs differ: model.safetensors: linear_relu_stack.4.bias, 1 of 10 "
                         "values, by at most "));
  EXPECT_THAT(outcome.standard_output, HasSubstr("(at [9]: "));
  EXPECT_THAT(outcome.standard_output, HasSubstr("\n4 loss lines equal\n"));
  const auto json = nlohmann::json::parse(compare({"--json", "a", "b"}).standard_output);
  EXPECT_EQ(json.at("first_difference").at("of"), "weights");
  EXPECT_EQ(json.at("first_difference").at("tensor"), "linear_relu_stack.4.bias");
  EXPECT_EQ(json.at("first_difference").at("step"), 20);
}

TEST_F(CompareTest, RunsOfOtherLengthAndOtherLoggedStepsAreComparedAsFarAsBothGo) {
  train("a");
  train("b", {}, "10", "2");
  const auto outcome = compare({"b", "a"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.standard_output << outcome.standard_error;
  EXPECT_THAT(outcome.standard_output, StartsWith("identical as far as both go: 1 loss line, "));
  EXPECT_THAT(outcome.standard_output,
              HasSubstr("compared 1 loss line of steps that both runs logged, of 5 and 4\n"));
  EXPECT_THAT(outcome.standard_output,
              HasSubstr("a is longer: it goes to step 20, b to step 10\n"));
}

TEST_F(CompareTest, AnotherNetworkIsSaid) {
  train("a");
  train("b", {"--hidden", "8"});
  const auto outcome = compare({"a", "b"});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_THAT(outcome.standard_error, HasSubstr("other data or another network"));
  EXPECT_THAT(outcome.standard_error, HasSubstr("hidden [512,512] against [8]"));
  EXPECT_THAT(outcome.standard_output, HasSubstr("shape [512, 784] against [8, 784]"));
}

TEST_F(CompareTest, MistakesAreOneLine) {
  train("a");
  expect_error({"a", "none"}, 3, "'none' is not a folder");
  std::filesystem::create_directory(folder_ / "empty");
  expect_error({"empty", "a"}, 3, "empty/config.json: No such file");
  expect_error({}, 2, "not 0: lockstep compare RUN_A RUN_B");
  expect_error({"a"}, 2, "not 1: lockstep compare RUN_A RUN_B");
  expect_error({"a", "a", "a"}, 2, "not 3: lockstep compare RUN_A RUN_B");
  expect_error({"--jsn", "a", "a"}, 2, "unknown option '--jsn'; did you mean '--json'?");
  write_bytes(folder_ / "a/model.safetensors", "damaged");
  expect_error({"a", "a"}, 3, "a/model.safetensors");
}

TEST_F(CompareTest, HelpNeedsNoRuns) {
  const auto outcome = compare({"--help"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.standard_output, StartsWith("Usage: lockstep compare [--json] RUN_A RUN_B"));
  EXPECT_THAT(outcome.standard_output, HasSubstr("--json"));
}

}  // namespace
}  // namespace lockstep::tests

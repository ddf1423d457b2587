// Data, weights and pictures that are not Lockstep's own: called by their right name, or refused.
#include <algorithm>
#include <cmath>
#include <limits>
#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "idx_bytes.hpp"
#include "program.hpp"
#include "temporary_folder.hpp"

namespace lockstep::tests {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

/// Weights of a network with one hidden layer of two, each value by its place in the file.
template <typename Value>
std::string weights_file(Value value_at) {
  const std::string header =
      R"({"linear_relu_stack.0.bias":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},)"
      R"("linear_relu_stack.0.weight":{"dtype":"F32","shape":[2,784],"data_offsets":[8,6280]},)"
      R"("linear_relu_stack.2.bias":{"dtype":"F32","shape":[10],"data_offsets":[6280,6320]},)"
      R"("linear_relu_stack.2.weight":{"dtype":"F32","shape":[10,2],"data_offsets":[6320,6400]}})";
  std::string bytes(8, '\0');
  bytes[0] = static_cast<char>(header.size() & 0xffU);
  bytes[1] = static_cast<char>(header.size() >> 8U);
  bytes += header;
  for (int i = 0; i < 1600; ++i) {
    const float value = value_at(i);
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  return bytes;
}

class ForeignFilesTest : public ::testing::Test {
 protected:
  const TemporaryFolder folder_;
  const std::filesystem::path data_ = folder_ / "data";
  const std::filesystem::path weights_ = folder_ / "weights.safetensors";
  const std::filesystem::path run_ = folder_ / "run";

  [[nodiscard]] Outcome start(const std::vector<std::string>& arguments, int ranks = 0) const {
    return run_program(
        {.arguments = arguments, .ranks = ranks, .folder = folder_.path(), .timeout_seconds = 60});
  }
  void expect_data_error(const std::vector<std::string>& arguments,
                         const std::vector<std::string>& mentions) const {
    const auto outcome = start(arguments);
    EXPECT_FALSE(outcome.timed_out);
    EXPECT_EQ(outcome.exit_code, 3) << outcome.standard_error;
    EXPECT_EQ(outcome.standard_output, "");
    ASSERT_THAT(outcome.errors(), SizeIs(1)) << outcome.standard_error;
    for (const auto& mention : mentions) EXPECT_THAT(outcome.errors()[0], HasSubstr(mention));
  }
  /// Every command that reads weights, with these.
  void expect_weights_refused(const std::vector<std::string>& mentions) const {
    expect_data_error({"evaluate", "--data-dir", data_.string(), "--checkpoint", weights_.string()},
                      mentions);
    expect_data_error({"predict", "--data-dir", data_.string(), "--index", "1", "--checkpoint",
                       weights_.string()},
                      mentions);
    expect_data_error(
        {"train", "--data-dir", data_.string(), "--hidden", "2", "--init-from", weights_.string()},
        mentions);
  }
};

TEST_F(ForeignFilesTest, OtherDataIsNotCalledFashionMnist) {
  write_dataset(data_, 100, 20);
  for (const char* part : {"train-labels-idx1-ubyte", "t10k-labels-idx1-ubyte"}) {
    auto labels = read_bytes(data_ / part);
    for (std::size_t i = 8; i < labels.size(); ++i) labels[i] = static_cast<char>(labels[i] % 5);
    write_bytes(data_ / part, labels);
  }
  const auto outcome = start({"train", "--data-dir", data_.string(), "--epochs", "1", "--hidden",
                              "2", "--output-dir", run_.string()},
                             2);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  EXPECT_THAT(outcome.standard_error, HasSubstr("lockstep: images and labels in " + data_.string() +
                                                " (not the published images and labels of "
                                                "FashionMNIST): 100 training and 20 test images"));
  EXPECT_THAT(
      outcome.standard_error,
      HasSubstr("warning: the training labels are only 0, 1, 2, 3, 4: of the network's 10 outputs, "
                "5 stand for no class"));
  const auto config = nlohmann::json::parse(read_bytes(run_ / "config.json"));
  EXPECT_THAT(config["dataset"]["description"].get<std::string>(), HasSubstr("not the published"));
  const auto predictions = nlohmann::json::parse(read_bytes(run_ / "predictions.json"));
  EXPECT_EQ(predictions["classes"],
            (std::vector<std::string>{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}));

  // The files say what they were trained on: no other network's classes are put on them.
  const auto picture = folder_ / "picture.pgm";
  write_bytes(picture, "P2 2 2 9 0 9 9 0");
  for (const auto& file : {run_ / "model.safetensors", run_ / "checkpoints/latest"}) {
    const auto answer = start({"predict", "--checkpoint", file.string(), "--data-dir",
                               data_.string(), "--index", "7", picture.string()});
    ASSERT_EQ(answer.exit_code, 0) << answer.standard_error;
    EXPECT_THAT(answer.standard_output,
                AllOf(StartsWith("test image 7: class "), HasSubstr("; label: class 2\n"),
                      HasSubstr("picture.pgm: class ")));
    EXPECT_THAT(answer.standard_output, Not(HasSubstr("Trouser")));
  }
}

TEST_F(ForeignFilesTest, FashionMnistKeepsItsName) {
  const auto outcome = start({"train", "--max-steps", "1", "--test-samples", "64", "--hidden", "2",
                              "--output-dir", run_.string()});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  EXPECT_THAT(outcome.standard_error, HasSubstr("lockstep: FashionMNIST in "));
  EXPECT_THAT(outcome.standard_error, Not(HasSubstr("warning: the training labels")));
  const auto predictions = nlohmann::json::parse(read_bytes(run_ / "predictions.json"));
  EXPECT_EQ(predictions["classes"][9], "Ankle boot");
  const auto answer =
      start({"predict", "--checkpoint", (run_ / "model.safetensors").string(), "--index", "0"});
  EXPECT_THAT(answer.standard_output, HasSubstr("; label: Ankle boot"));
}

TEST_F(ForeignFilesTest, WeightsThatAreNotFiniteGiveNoAnswers) {
  write_dataset(data_, 100, 20);
  write_bytes(weights_, weights_file([](int i) {
                return i == 7 ? std::numeric_limits<float>::quiet_NaN() : 0.01F;
              }));
  expect_weights_refused({weights_.string(), "linear_relu_stack.0.weight", "[0, 5] (nan)"});
}

TEST_F(ForeignFilesTest, NorDoWeightsWhoseOutputsOverflow) {
  write_dataset(data_, 100, 20);
  write_bytes(weights_, weights_file([](int /*i*/) { return 1e37F; }));
  const auto with_weights = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(),
                     {"--data-dir", data_.string(), "--checkpoint", weights_.string()});
    return arguments;
  };
  expect_data_error(with_weights({"predict", "--index", "0,3"}), {weights_.string(), "overflow"});
  // The figures of a run that diverges are figures, but not without a word.
  const auto outcome = start(with_weights({"evaluate"}));
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_THAT(outcome.standard_error, HasSubstr("warning: " + weights_.string()));
  EXPECT_THAT(outcome.standard_error, HasSubstr("overflow"));
}

TEST_F(ForeignFilesTest, NoCommandWaitsForAPipe) {
  write_dataset(data_, 100, 20);
  ASSERT_EQ(::mkfifo(weights_.c_str(), 0600), 0);
  expect_weights_refused({weights_.string(), "pipe"});
  for (const char* name : {"train-images-idx3-ubyte", "train-labels-idx1-ubyte",
                           "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"}) {
    std::filesystem::remove(data_ / name);
    ASSERT_EQ(::mkfifo((data_ / name).c_str(), 0600), 0);
  }
  expect_data_error({"train", "--data-dir", data_.string()}, {data_.string(), "pipe"});
}

TEST_F(ForeignFilesTest, APictureMayComeThroughAPipe) {
  write_bytes(weights_, weights_file([](int i) { return std::sin(static_cast<float>(i)); }));
  write_bytes(folder_ / "picture.pgm", "P2 2 2 9 0 9 9 0");
  const auto answer = run_program(
      {.arguments = {"-c",
                     "cat picture.pgm | \"$0\" predict --checkpoint weights.safetensors "
                     "--image /dev/stdin",
                     LOCKSTEP_PROGRAM},
       .program = "/bin/sh",
       .folder = folder_.path()});
  EXPECT_EQ(answer.exit_code, 0) << answer.standard_error;
  const auto from_file = start({"predict", "--checkpoint", "weights.safetensors", "picture.pgm"});
  const auto behind_name = [](const std::string& text) { return text.substr(text.find(':')); };
  EXPECT_EQ(behind_name(answer.standard_output), behind_name(from_file.standard_output));
}

TEST_F(ForeignFilesTest, AnEmptyPictureIsSaid) {
  write_bytes(weights_, weights_file([](int i) { return std::sin(static_cast<float>(i)); }));
  write_bytes(folder_ / "picture.pgm", "P2 2 2 9 4 4 4 4");
  const auto answer = start({"predict", "--checkpoint", "weights.safetensors", "picture.pgm"});
  EXPECT_EQ(answer.exit_code, 0);
  EXPECT_THAT(answer.standard_error, HasSubstr("warning: picture.pgm: the picture is empty"));
}

}  // namespace
}  // namespace lockstep::tests

// Data of one's own, as arrays in .npy files: classes and numbers, with all that a run has.
#include <filesystem>
#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/torch.h>

#include "npy_bytes.hpp"
#include "program.hpp"
#include "script_module.hpp"
#include "temporary_folder.hpp"

namespace lockstep::tests {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;

template <typename T>
std::string array_of(const char* type, const torch::Tensor& tensor) {
  std::string shape;
  for (const auto size : tensor.sizes()) shape += std::to_string(size) + ", ";
  const auto values = tensor.contiguous();
  const auto* const first = values.data_ptr<T>();
  return npy<T>(type, "(" + shape + ")", std::vector<T>(first, first + values.numel()));
}

class OwnDataTest : public ::testing::Test {
 protected:
  const TemporaryFolder folder_;
  const fs::path data_ = folder_ / "data";
  torch::Tensor inputs_;
  torch::Tensor targets_;

  void SetUp() override { fs::create_directory(data_); }

  void write(const std::string& split, const std::string& inputs,
             const std::string& targets) const {
    write_bytes(data_ / (split + "_inputs.npy"), inputs);
    write_bytes(data_ / (split + "_targets.npy"), targets);
  }
  /// A smooth function of five numbers: 600 samples for training, of which 100 are for the test.
  void write_regression() {
    const auto generator = torch::make_generator<torch::CPUGeneratorImpl>(std::uint64_t{3});
    inputs_ = torch::randn({600, 5}, generator);
    targets_ = (inputs_.sum(1) * 0.3).sin() + 2;
    write("train", array_of<float>("<f4", inputs_), array_of<float>("<f4", targets_));
    write("test", array_of<float>("<f4", inputs_.narrow(0, 0, 100)),
          array_of<float>("<f4", targets_.narrow(0, 0, 100)));
  }
  /// Pictures of three channels, whose class is the brightest of them.
  void write_pictures() const {
    const auto generator = torch::make_generator<torch::CPUGeneratorImpl>(std::uint64_t{4});
    const auto pictures = torch::randint(0, 256, {300, 3, 8, 8}, generator).to(torch::kUInt8);
    const auto classes = pictures.to(torch::kFloat32).sum({2, 3}).argmax(1);
    write("train", array_of<std::uint8_t>("|u1", pictures), array_of<std::int64_t>("<i8", classes));
    write("test", array_of<std::uint8_t>("|u1", pictures.narrow(0, 0, 50)),
          array_of<std::int64_t>("<i8", classes.narrow(0, 0, 50)));
  }
  [[nodiscard]] Outcome run(const std::string& arguments, int ranks = 1) const {
    return run_program({.arguments = words(arguments), .ranks = ranks, .folder = folder_.path()});
  }
  [[nodiscard]] std::string digest_of(const std::string& options, const std::string& run_folder,
                                      int ranks) const {
    const auto outcome =
        run("train --data-dir data " + options + " --output-dir " + run_folder, ranks);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.standard_error;
    const auto ends = read_events(folder_ / run_folder, "run_end");
    return ends.empty() ? "" : ends.back().value("parameters_sha256", "");
  }
  /// The mean losses of the first steps by plain LibTorch: five numbers, two hidden layers of 8.
  [[nodiscard]] std::vector<double> plain_losses(std::int64_t steps, std::int64_t batch) const {
    torch::manual_seed(0);
    torch::nn::Sequential network;  // layer by layer: each draws its initial weights
    network->push_back(torch::nn::Linear(5, 8));
    network->push_back(torch::nn::ReLU());
    network->push_back(torch::nn::Linear(8, 8));
    network->push_back(torch::nn::ReLU());
    network->push_back(torch::nn::Linear(8, 1));
    torch::optim::SGD optimizer(network->parameters(), 0.05);
    std::vector<double> losses;
    for (std::int64_t step = 0; step < steps; ++step) {
      optimizer.zero_grad();
      const auto outputs = network->forward(inputs_.narrow(0, step * batch, batch));
      const auto loss =
          torch::mse_loss(outputs.squeeze(1), targets_.narrow(0, step * batch, batch));
      loss.backward();
      optimizer.step();
      losses.push_back(loss.item<double>());
    }
    return losses;
  }
};

constexpr const char* kRegression =
    "--loss mse --hidden 8,8 --lr 0.05 --global-batch-size 30 --log-every 1 --threads 1 ";

TEST_F(OwnDataTest, ARegressionTrainsAsPlainLibTorchDoes) {
  write_regression();
  const auto expected = plain_losses(20, 30);
  for (const int ranks : {1, 2, 3}) {
    const auto folder = "run" + std::to_string(ranks);
    ASSERT_THAT(digest_of(std::string(kRegression) + "--shuffle off --epochs 1", folder, ranks),
                SizeIs(64));
    const auto steps = read_events(folder_ / folder, "train");
    ASSERT_THAT(steps, SizeIs(expected.size()));
    for (std::size_t i = 0; i < steps.size(); ++i) {
      EXPECT_NEAR(steps[i]["loss"], expected[i], 2e-5 * expected[i])
          << ranks << " ranks, step " << i;
    }
  }
}

TEST_F(OwnDataTest, ARegressionHasLossesAndNoAccuracy) {
  write_regression();
  const auto outcome =
      run("train --data-dir data --epochs 2 --output-dir run " + std::string(kRegression));
  ASSERT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  EXPECT_THAT(outcome.standard_output,
              AllOf(HasSubstr("Test Error: \n Avg loss: "), Not(HasSubstr("Accuracy"))));
  EXPECT_THAT(outcome.standard_error,
              AllOf(HasSubstr("test average loss"), Not(HasSubstr("accuracy"))));
  const auto tests = read_events(folder_ / "run", "test");
  ASSERT_THAT(tests, SizeIs(2));
  EXPECT_FALSE(tests[1].contains("accuracy") || tests[1].contains("correct"));
  EXPECT_LT(tests[1]["avg_loss"], tests[0]["avg_loss"]);
  EXPECT_FALSE(fs::exists(folder_ / "run/predictions.json"));

  const auto evaluated =
      run("evaluate --data-dir data --loss mse --checkpoint run/model.safetensors");
  EXPECT_EQ(evaluated.exit_code, 0) << evaluated.standard_error;
  EXPECT_THAT(evaluated.standard_output,
              HasSubstr(fmt::format("Avg loss: {:8f}", tests[1]["avg_loss"].get<double>())));
  const auto predicted =
      run("predict --data-dir data --index 0,99 --checkpoint run/model.safetensors --json");
  ASSERT_EQ(predicted.exit_code, 0) << predicted.standard_error;
  const auto answer = nlohmann::json::parse(predicted.standard_output)["predictions"][1];
  EXPECT_NEAR(answer["target"][0].get<double>(), targets_[99].item<double>(), 1e-6);
  EXPECT_NEAR(answer["numbers"][0].get<double>(), targets_[99].item<double>(), 1);
  EXPECT_THAT(
      run("predict --data-dir data --index 3 --picture on --checkpoint run/model.safetensors")
          .standard_output,
      AllOf(HasSubstr("test image 3: "), HasSubstr("; target: ")));
  EXPECT_EQ(run("predict --data-dir data --index 3 --png x.png --checkpoint run/model.safetensors")
                .exit_code,
            2);
  const auto reported = run("report run");
  EXPECT_EQ(reported.exit_code, 0) << reported.standard_error;
  EXPECT_THAT(read_bytes(folder_ / "run/report.html"), HasSubstr("test average loss"));
  EXPECT_EQ(run("compare run run").exit_code, 0);
}

TEST_F(OwnDataTest, ARegressionIsExactAtAnyNumberOfRanksAndAfterAResume) {
  write_regression();
  const auto options = std::string(kRegression) +
                       "--optimizer adam --epochs 3 --global-batch-size 32 --virtual-shards 4";
  const auto expected = digest_of(options, "one", 1);
  ASSERT_THAT(expected, SizeIs(64));
  EXPECT_EQ(digest_of(options, "two", 2), expected);
  EXPECT_EQ(digest_of(options, "four", 4), expected);
  (void)digest_of(options + " --max-steps 25", "parts", 4);
  EXPECT_EQ(digest_of(options + " --max-steps 0 --resume auto", "parts", 2), expected);
}

TEST_F(OwnDataTest, PicturesOfThreeChannelsTrainTheCnn) {
  write_pictures();
  const auto outcome =
      run("train --data-dir data --model cnn --epochs 3 --optimizer adam --output-dir run", 2);
  ASSERT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  EXPECT_EQ(nlohmann::json::parse(std::ifstream(folder_ / "run/config.json"))["options"]["dataset"],
            "npy");
  EXPECT_THAT(read_events(folder_ / "run", "test"), SizeIs(3));
  const auto predicted =
      run("predict --data-dir data --index 0,49 --checkpoint run/model.safetensors --json");
  ASSERT_EQ(predicted.exit_code, 0) << predicted.standard_error;
  EXPECT_THAT(nlohmann::json::parse(predicted.standard_output)["predictions"][1]["logits"],
              SizeIs(3));
  const auto said =
      run("predict --data-dir data --index 1 --picture on --checkpoint run/model.safetensors");
  EXPECT_EQ(said.exit_code, 0) << said.standard_error;
  EXPECT_THAT(said.standard_output, HasSubstr("test image 1: class "));
  const auto other = run("evaluate --synthetic --checkpoint run/model.safetensors");
  EXPECT_EQ(other.exit_code, 3);
  EXPECT_THAT(other.standard_error,
              AllOf(HasSubstr("[3, 8, 8] and 3 classes"), HasSubstr("[1, 28, 28] and 10")));
}

TEST_F(OwnDataTest, TheTestLoopHasTheLabelSmoothingOfTraining) {
  write_pictures();
  const auto outcome = run(
      "train --data-dir data --label-smoothing 0.3 --epochs 2 --optimizer adam --output-dir run");
  ASSERT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  const auto line = fmt::format(
      "Avg loss: {:8f}", read_events(folder_ / "run", "test").back()["avg_loss"].get<double>());
  const std::string evaluate = "evaluate --data-dir data --checkpoint run/model.safetensors";
  EXPECT_THAT(run(evaluate + " --label-smoothing 0.3").standard_output, HasSubstr(line));
  EXPECT_THAT(run(evaluate).standard_output, AllOf(HasSubstr("Avg loss: "), Not(HasSubstr(line))));
  const auto refused = run(evaluate + " --label-smoothing 0.3 --loss mse");
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_THAT(refused.standard_error, HasSubstr("label smoothing is for the loss cross-entropy"));
}

TEST_F(OwnDataTest, ATorchScriptModuleTrainsAsAnyNetwork) {
  write_pictures();
  torch::manual_seed(2);
  write_bytes(folder_ / "net.pt", bytes_of(linear_script(3 * 8 * 8, 3)));
  const std::string options =
      "--model net.pt --epochs 3 --global-batch-size 16 --virtual-shards 4 --optimizer adam";
  const auto expected = digest_of(options, "one", 1);
  ASSERT_THAT(expected, SizeIs(64));
  EXPECT_EQ(digest_of(options, "two", 2), expected);
  (void)digest_of(options + " --max-steps 30", "parts", 2);
  EXPECT_EQ(digest_of(options + " --max-steps 0 --resume auto", "parts", 4), expected);

  const auto tests = read_events(folder_ / "one", "test");
  const auto evaluated = run("evaluate --data-dir data --checkpoint one/model.safetensors", 2);
  EXPECT_EQ(evaluated.exit_code, 0) << evaluated.standard_error;
  EXPECT_THAT(evaluated.standard_output,
              HasSubstr(fmt::format("Avg loss: {:8f}", tests.back()["avg_loss"].get<double>())));
  auto trained = torch::jit::load((folder_ / "one/model.pt").string());
  const auto predicted =
      run("predict --data-dir data --index 3 --checkpoint one/model.safetensors --json");
  ASSERT_EQ(predicted.exit_code, 0) << predicted.standard_error;
  const auto logits = nlohmann::json::parse(predicted.standard_output)["predictions"][0]["logits"];
  const auto pictures = torch::randint(
      0, 256, {300, 3, 8, 8}, torch::make_generator<torch::CPUGeneratorImpl>(std::uint64_t{4}));
  trained.eval();
  const auto outputs =
      trained.forward({pictures.narrow(0, 3, 1).to(torch::kFloat32) / 255}).toTensor();
  for (std::int64_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(logits[static_cast<std::size_t>(i)].get<double>(), outputs[0][i].item<double>(),
                1e-5);
  }
}

TEST_F(OwnDataTest, AModuleIsKnownByItsContentAndNotByItsPath) {
  write_pictures();
  torch::manual_seed(2);
  write_bytes(folder_ / "net.pt", bytes_of(linear_script(3 * 8 * 8, 3)));
  const std::string options = "--model net.pt --epochs 2 --batch-size 16";
  const auto expected = digest_of(options, "whole", 1);
  (void)digest_of(options + " --max-steps 10", "parts", 1);
  const std::string evaluate = "evaluate --data-dir data --checkpoint whole/model.safetensors";
  const auto told = run(evaluate).standard_output;
  EXPECT_THAT(told, HasSubstr("Avg loss"));

  fs::rename(folder_ / "net.pt", folder_ / "moved.pt");
  EXPECT_EQ(run(evaluate, 2).standard_output, told) << "by the run's own model.pt";
  EXPECT_EQ(run(evaluate + " --model moved.pt").standard_output, told);
  EXPECT_EQ(digest_of("--model moved.pt --epochs 2 --batch-size 16 --max-steps 0 --resume auto",
                      "parts", 1),
            expected);

  write_bytes(folder_ / "net.pt", bytes_of(linear_script(3 * 8 * 8, 3)));  // other weights
  const auto other = run(evaluate, 2);
  EXPECT_EQ(other.exit_code, 3);
  EXPECT_THAT(other.standard_error, HasSubstr("net.pt is not the module"));
  const auto resumed =
      run("train --data-dir data --model net.pt --output-dir parts --resume auto --epochs 3");
  EXPECT_EQ(resumed.exit_code, 3);
  EXPECT_THAT(resumed.standard_error, HasSubstr("model is \"SHA-256 "));
  fs::remove(folder_ / "net.pt");
  fs::remove(folder_ / "whole/model.pt");
  const auto lost = run(evaluate);
  EXPECT_EQ(lost.exit_code, 3) << lost.standard_error;
  EXPECT_THAT(lost.standard_error, HasSubstr("cannot read net.pt"));
}

TEST_F(OwnDataTest, AModuleThatDoesNotFitTheDataIsRefusedBeforeTraining) {
  write_pictures();
  write_bytes(folder_ / "wide.pt", bytes_of(linear_script(3 * 8 * 8, 5)));
  write_bytes(folder_ / "flat.pt", bytes_of(linear_script(7, 3)));
  write_bytes(folder_ / "text.pt", "no archive");
  const auto refuse = [&](const std::string& model, const std::string& why) {
    for (const int ranks : {1, 2}) {
      const auto outcome = run("train --data-dir data --model " + model, ranks);
      EXPECT_EQ(outcome.exit_code, 3) << outcome.standard_error;
      ASSERT_THAT(outcome.errors(), SizeIs(1)) << outcome.standard_error;
      EXPECT_THAT(outcome.errors()[0], HasSubstr(why));
    }
    EXPECT_FALSE(fs::exists(folder_ / "runs"));
  };
  refuse("wide.pt",
         "wide.pt: the module gives Float [2, 5] for two samples, and the data have inputs [3, 8, "
         "8] and 3 classes");
  refuse("flat.pt", "flat.pt: the module fails: mat1 and mat2 shapes cannot be multiplied");
  refuse("text.pt", "text.pt: not a TorchScript module");
  refuse("nowhere.pt", "cannot read nowhere.pt: No such file or directory");
}

TEST_F(OwnDataTest, WhatDoesNotGoTogetherIsSaid) {
  write_regression();
  const auto refuse = [&](const std::string& arguments, int exit_code, const std::string& why) {
    const auto outcome = run(arguments);
    EXPECT_EQ(outcome.exit_code, exit_code) << outcome.standard_error;
    ASSERT_THAT(outcome.errors(), SizeIs(1)) << outcome.standard_error;
    EXPECT_THAT(outcome.errors()[0], HasSubstr(why));
    EXPECT_FALSE(fs::exists(folder_ / "runs"));
  };
  refuse("train --data-dir data", 2, "the targets are numbers: use the loss mse or l1 (--loss)");
  refuse("train --synthetic --loss l1", 2, "the loss l1 is for numbers (--loss)");
  refuse("train --data-dir data --label-smoothing 0.1", 2, "leave out label smoothing");
  refuse("train --synthetic --loss nll --label-smoothing 0.1", 2, "is for the loss cross-entropy");
  refuse("train --data-dir data --loss mse --model cnn", 2, "takes images");
  refuse("train --data-dir data --dataset fashion-mnist", 3, "no FashionMNIST files in data");
  refuse("train --input-shape 3,8,8", 2, "--synthetic");
  fs::remove(data_ / "test_targets.npy");
  refuse("train --data-dir data --loss mse", 3, "test_targets.npy is missing");
  write_bytes(data_ / "test_targets.npy", "no array");
  refuse("train --data-dir data --loss mse", 3, "test_targets.npy: not a .npy file");
}

TEST_F(OwnDataTest, ABenchmarkOfAnyShapeNeedsNoData) {
  const auto outcome =
      run("bench step --steps 2 --model cnn --input-shape 3,32,32 --classes 100 --batch-size 4 "
          "--threads 1 --json out.json");
  ASSERT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  const auto trained =
      run("train --synthetic --model cnn --input-shape 3,16,16 --classes 7 --train-samples 64 "
          "--test-samples 8 --epochs 1 --output-dir run");
  ASSERT_EQ(trained.exit_code, 0) << trained.standard_error;
  const auto config = nlohmann::json::parse(std::ifstream(folder_ / "run/config.json"));
  EXPECT_EQ(config["options"]["input_shape"], nlohmann::json({3, 16, 16}));
  const auto many = run(
      "train --synthetic --classes 1001 --hidden 4 --train-samples 64 --test-samples 8 --epochs 1 "
      "--output-dir many");
  EXPECT_EQ(many.exit_code, 0) << many.standard_error;
  EXPECT_THAT(many.standard_error, HasSubstr("confusion matrix is for up to 1000 classes"));
  EXPECT_FALSE(fs::exists(folder_ / "many/predictions.json"));
}

}  // namespace
}  // namespace lockstep::tests

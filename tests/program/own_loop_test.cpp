// The example of a training loop of one's own, against the same training without Lockstep.
#include <array>
#include <regex>
#include <sstream>

#include <gtest/gtest.h>
#include <torch/torch.h>

#include "program.hpp"

namespace lockstep::tests {
namespace {

/// Each epoch's mean loss, by plain LibTorch in one process.
std::vector<double> plain_losses() {
  torch::manual_seed(0);
  const auto inputs = torch::randn({1000, 8});
  const auto targets = inputs.sin().sum(1, true);
  torch::nn::Sequential model(torch::nn::Linear(8, 32), torch::nn::Tanh(),
                              torch::nn::Linear(32, 1));
  torch::optim::SGD optimizer(model->parameters(), 0.05);
  std::vector<double> losses;
  for (std::uint64_t epoch = 0; epoch < 20; ++epoch) {
    auto generator = torch::make_generator<torch::CPUGeneratorImpl>(epoch);
    const auto order = torch::randperm(1000, generator);
    double sum = 0;
    for (const auto& batch : order.split(64)) {
      optimizer.zero_grad();
      const auto loss =
          torch::mse_loss(model->forward(inputs.index({batch})), targets.index({batch}));
      loss.backward();
      optimizer.step();
      sum += loss.item<double>() * static_cast<double>(batch.size(0));
    }
    losses.push_back(sum / 1000);
  }
  return losses;
}

std::vector<double> printed_losses(const std::string& text) {
  std::vector<double> losses;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    std::smatch found;
    EXPECT_TRUE(std::regex_match(line, found, std::regex(R"(epoch [ \d]\d: mean loss ([\d.]+))")))
        << line;
    if (found.size() == 2) losses.push_back(std::stod(found[1]));
  }
  return losses;
}

TEST(OwnLoop, TrainsAUsersModuleAsPlainLibTorchWould) {
  const auto expected = plain_losses();
  EXPECT_LT(expected.back(), 0.5 * expected.front());
  for (const int ranks : {0, 1, 2, 3}) {
    const auto outcome =
        run_program({.arguments = {}, .program = LOCKSTEP_OWN_LOOP, .ranks = ranks});
    ASSERT_EQ(outcome.exit_code, 0) << outcome.standard_error;
    const auto losses = printed_losses(outcome.standard_output);
    ASSERT_EQ(losses.size(), expected.size());
    for (std::size_t i = 0; i < losses.size(); ++i) {
      EXPECT_NEAR(losses[i], expected[i], 1e-4 * expected[i] + 1e-6)
          << ranks << " ranks, epoch " << i;
    }
  }
}

}  // namespace
}  // namespace lockstep::tests

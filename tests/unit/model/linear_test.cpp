#include <gtest/gtest.h>

#include <lockstep/model/linear.hpp>

namespace lockstep::model {
namespace {

/// Two layers, so that one has an input that needs a gradient and one has not.
struct Pair {
  torch::nn::Linear theirs{nullptr};
  Linear mine{nullptr};

  Pair(std::int64_t inputs, std::int64_t outputs)
      : theirs(torch::nn::Linear(inputs, outputs)), mine(Linear(inputs, outputs)) {
    const torch::NoGradGuard no_gradients;
    mine->weight.copy_(theirs->weight);
    mine->bias.copy_(theirs->bias);
  }
};

class LinearTest : public ::testing::Test {
 protected:
  LinearTest() { torch::manual_seed(1); }

  void expect_equal_gradients() {
    for (const auto* pair : {&first_, &second_}) {
      EXPECT_TRUE(pair->mine->weight.grad().allclose(pair->theirs->weight.grad(), 1e-5, 1e-6));
      EXPECT_TRUE(pair->mine->bias.grad().allclose(pair->theirs->bias.grad(), 1e-5, 1e-6));
    }
  }
  void backward_of_both(const torch::Tensor& input) {
    second_.theirs(torch::relu(first_.theirs(input))).pow(2).sum().backward();
    second_.mine(torch::relu(first_.mine(input))).pow(2).sum().backward();
  }

  Pair first_{7, 5};
  Pair second_{5, 3};
};

TEST_F(LinearTest, GivesTheResultsOfPyTorchsLayer) {
  const auto input = torch::rand({4, 7});
  EXPECT_TRUE(first_.mine(input).equal(first_.theirs(input)));
}

TEST_F(LinearTest, GivesTheGradientsOfPyTorchsLayerWithoutGradientsToAddTo) {
  backward_of_both(torch::rand({4, 7}));
  expect_equal_gradients();
}

TEST_F(LinearTest, AddsToGradientsWhereTheyLie) {
  std::vector<const void*> places;
  for (auto* pair : {&first_, &second_}) {
    for (auto* parameter : {&pair->mine->weight, &pair->mine->bias}) {
      parameter->mutable_grad() = torch::zeros_like(*parameter);
      places.push_back(parameter->grad().data_ptr());
    }
  }
  for (int pass = 0; pass < 3; ++pass) backward_of_both(torch::rand({4, 7}));
  expect_equal_gradients();
  std::size_t place = 0;
  for (auto* pair : {&first_, &second_}) {
    for (auto* parameter : {&pair->mine->weight, &pair->mine->bias}) {
      EXPECT_EQ(parameter->grad().data_ptr(), places[place++]);
    }
  }
}

TEST_F(LinearTest, PassesGradientsOnToItsInput) {
  auto mine = torch::rand({4, 7}).requires_grad_(true);
  auto theirs = mine.detach().clone().requires_grad_(true);
  first_.mine(mine).pow(2).sum().backward();
  first_.theirs(theirs).pow(2).sum().backward();
  EXPECT_TRUE(mine.grad().allclose(theirs.grad(), 1e-5, 1e-6));
}

/// A layer as autocast computes it, spelt out in LibTorch's own operations.
torch::Tensor as_under_autocast(const torch::nn::Linear& layer, const torch::Tensor& input) {
  const auto rounded = [](const torch::Tensor& tensor) { return tensor.to(torch::kBFloat16); };
  return torch::linear(rounded(input), rounded(layer->weight), rounded(layer->bias));
}

TEST_F(LinearTest, InBfloat16GivesTheResultsAndGradientsOfAutocast) {
  for (auto* pair : {&first_, &second_}) pair->mine->use_bfloat16();
  for (const bool in_place : {false, true}) {
    for (auto* pair : {&first_, &second_}) {
      for (auto* layer :
           {pair->theirs.get(), static_cast<torch::nn::LinearImpl*>(pair->mine.get())}) {
        for (auto* parameter : {&layer->weight, &layer->bias}) {
          parameter->mutable_grad() = in_place ? torch::zeros_like(*parameter) : torch::Tensor();
        }
      }
    }
    const auto input = torch::rand({4, 7});
    const auto theirs =
        as_under_autocast(second_.theirs, torch::relu(as_under_autocast(first_.theirs, input)));
    const auto mine = second_.mine(torch::relu(first_.mine(input)));
    EXPECT_EQ(mine.scalar_type(), torch::kBFloat16);
    EXPECT_TRUE(mine.equal(theirs));
    theirs.to(torch::kFloat32).pow(2).sum().backward();
    mine.to(torch::kFloat32).pow(2).sum().backward();
    for (const auto* pair : {&first_, &second_}) {
      EXPECT_EQ(pair->mine->weight.grad().scalar_type(), torch::kFloat32);
      EXPECT_TRUE(pair->mine->weight.grad().equal(pair->theirs->weight.grad()));
      EXPECT_TRUE(pair->mine->bias.grad().equal(pair->theirs->bias.grad()));
    }
  }
}

}  // namespace
}  // namespace lockstep::model

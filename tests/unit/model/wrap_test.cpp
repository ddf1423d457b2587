#include <gtest/gtest.h>

#include <lockstep/model/wrap.hpp>

namespace lockstep::model {
namespace {

std::vector<std::string> names_of(const std::vector<NamedTensor>& tensors) {
  std::vector<std::string> names;
  for (const auto& tensor : tensors) names.push_back(tensor.name);
  return names;
}

TEST(Wrap, CallsWeightsAsTheModulesStateDict) {
  const torch::nn::Sequential module(torch::nn::Linear(3, 4), torch::nn::BatchNorm1d(4));
  const auto network = wrap(module);
  EXPECT_EQ(names_of(named_state(*network)),
            (std::vector<std::string>{"0.weight", "0.bias", "1.weight", "1.bias", "1.running_mean",
                                      "1.running_var", "1.num_batches_tracked"}));
  const auto inputs = torch::randn({5, 3});
  network->eval();
  EXPECT_TRUE(network->forward(inputs).equal(module.ptr()->forward(inputs)));
}

TEST(Wrap, TrainAndEvalReachTheModule) {
  const torch::nn::Sequential module(torch::nn::Dropout(0.5));
  const auto network = wrap(module);
  const auto ones = torch::ones({100, 1});
  network->eval();
  EXPECT_TRUE(network->forward(ones).equal(ones));
  network->train();
  EXPECT_FALSE(network->forward(ones).equal(ones));
}

class ScaleImpl final : public torch::nn::Module {
 public:
  ScaleImpl()
      : factor_(register_parameter("factor", torch::ones({1}))),
        offset_(register_buffer("offset", torch::zeros({1}))) {}
  torch::Tensor forward(const torch::Tensor& inputs) { return inputs * factor_ + offset_; }

 private:
  torch::Tensor factor_;
  torch::Tensor offset_;
};
TORCH_MODULE(Scale);

TEST(Wrap, OwnParametersAndBuffersAreTheModules) {
  const auto network = wrap(Scale());
  EXPECT_EQ(names_of(named_state(*network)), (std::vector<std::string>{"factor", "offset"}));
  const torch::NoGradGuard no_gradients;
  for (auto& tensor : named_state(*network)) tensor.value.fill_(2);
  EXPECT_EQ(network->forward(torch::full({1}, 3.0F)).item<float>(), 8);
  network->to(torch::kFloat64);
  EXPECT_EQ(network->forward(torch::full({1}, 3.0, torch::kFloat64)).item<double>(), 8);
}

}  // namespace
}  // namespace lockstep::model

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <lockstep/base/error.hpp>
#include <lockstep/model/named_tensor.hpp>
#include <lockstep/model/script_network.hpp>

#include "expect_error.hpp"
#include "script_module.hpp"

namespace lockstep::model {
namespace {

using ::testing::ElementsAre;
using tests::bytes_of;
using tests::linear_script;

std::vector<std::string> names_in(const std::vector<NamedTensor>& tensors) {
  std::vector<std::string> names;
  for (const auto& tensor : tensors) names.push_back(tensor.name);
  return names;
}

TEST(ScriptNetwork, HasTheModulesTensorsUnderTheirNames) {
  const auto module = linear_script(3, 2);
  const auto network = make_script_network(bytes_of(module), "net.pt");
  EXPECT_THAT(names_in(named_parameters(*network)),
              ElementsAre("scale", "layer.weight", "layer.bias"));
  EXPECT_THAT(names_in(named_buffers(*network)), ElementsAre("calls"));
  auto original = module.deepcopy();
  const auto inputs = torch::randn({5, 3});
  EXPECT_TRUE(network->forward(inputs).equal(original.forward({inputs}).toTensor()));
}

TEST(ScriptNetwork, ComputesWithWhatTheTensorsAreMadeViewsOf) {
  const auto network = make_script_network(bytes_of(linear_script(3, 2)), "net.pt");
  const auto inputs = torch::randn({5, 3});
  auto flat = torch::full({9}, 0.5F);
  auto parameters = network->parameters();
  parameters[0].set_data(flat[0]);
  parameters[1].set_data(flat.narrow(0, 1, 6).view({2, 3}));
  parameters[2].set_data(flat.narrow(0, 7, 2));
  const auto outputs = network->forward(inputs);
  EXPECT_TRUE(outputs.allclose(0.5F * (0.5F * inputs.sum(1, true) + 0.5F).expand({5, 2})));
  outputs.sum().backward();
  EXPECT_TRUE(parameters[2].grad().equal(torch::full({2}, 2.5F)));

  const auto again = make_script_network(network->script(), "again.pt");
  EXPECT_TRUE(again->forward(inputs).equal(outputs));
  EXPECT_LT(network->script().size(), 20'000U);
}

TEST(ScriptNetwork, KnowsWhetherItTrains) {
  const auto network = make_script_network(bytes_of(linear_script(3, 2)), "net.pt");
  const auto calls = network->buffers().front();
  network->train();
  (void)network->forward(torch::zeros({1, 3}));
  network->eval();
  (void)network->forward(torch::zeros({1, 3}));
  EXPECT_EQ(calls.item<float>(), 1);
}

TEST(ScriptNetwork, ABufferThatTheModuleReplacesIsTheOneThatIsSaved) {
  torch::jit::Module module("Counter");
  module.register_parameter("scale", torch::ones({}), false);
  module.register_buffer("calls", torch::zeros({}));
  module.register_buffer("mask", torch::ones({1, 1}).expand({2, 3}));
  module.define(
      "def forward(self, x):\n"
      "  self.calls = self.calls + 1.0\n"
      "  return self.scale * x * self.mask\n");
  const auto network = make_script_network(bytes_of(module), "net.pt");
  const auto calls = network->named_buffers()["calls"];
  (void)network->forward(torch::zeros({2, 3}));
  (void)network->forward(torch::zeros({2, 3}));
  EXPECT_EQ(calls.item<float>(), 2);
  EXPECT_TRUE(network->named_buffers()["mask"].is_contiguous());
  calls.fill_(7);
  (void)network->forward(torch::zeros({2, 3}));
  EXPECT_EQ(calls.item<float>(), 8) << "the module computes with what others write";
  const auto again = make_script_network(network->script(), "again.pt");
  EXPECT_EQ(again->named_buffers()["calls"].item<float>(), 8);
}

TEST(ScriptNetwork, SaysWhatIsWrongWithAFile) {
  const auto refuse = [](const std::string& bytes,
                         std::initializer_list<std::string_view> mentions) {
    tests::expect_error<DataError>([&] { (void)make_script_network(bytes, "net.pt"); }, mentions);
  };
  const auto bytes = bytes_of(linear_script(3, 2));
  refuse("", {"net.pt", "not a TorchScript module"});
  refuse("no archive at all, but some text", {"net.pt", "not a TorchScript module"});
  refuse(bytes.substr(0, bytes.size() / 2), {"net.pt", "not a TorchScript module"});
  auto newer = bytes;
  for (auto at = newer.find("torch.linear"); at != std::string::npos;
       at = newer.find("torch.linear", at)) {
    newer.replace(at, 12, "torch.lineal");
  }
  if (newer != bytes) refuse(newer, {"net.pt"});
  torch::jit::Module complex("Complex");
  complex.register_parameter("scale", torch::ones({}), false);
  complex.register_buffer("turns", torch::ones({2}, torch::kComplexFloat));
  complex.define("def forward(self, x):\n  return x * self.scale\n");
  refuse(bytes_of(complex), {"net.pt", "'turns' holds complex numbers"});
  torch::jit::Module shared("Shared");
  const auto weight = torch::ones({2});
  shared.register_parameter("a", weight, false);
  shared.register_parameter("b", weight, false);
  shared.define("def forward(self, x):\n  return x * self.a + self.b\n");
  refuse(bytes_of(shared), {"net.pt", "'a' and 'b' share"});
}

TEST(ScriptNetwork, SaysWhyAModuleFails) {
  const auto network = make_script_network(bytes_of(linear_script(3, 2)), "net.pt");
  tests::expect_error<DataError>(
      [&] {
        (void)network->forward(torch::zeros({1, 4}));
      },
      {"net.pt: the module fails", "shapes cannot be multiplied"});
}

}  // namespace
}  // namespace lockstep::model

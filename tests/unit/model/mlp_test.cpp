#include <gtest/gtest.h>

#include <lockstep/model/mlp.hpp>

#include "golden.hpp"

namespace lockstep::model {
namespace {

TEST(Mlp, HasPyTorchsInitialWeightsBitForBitUnderTheTutorialsNames) {
  for (const auto& expected : tests::load_golden("pytorch.json", "initial_weights")) {
    const auto network = make_mlp(784, expected["hidden"], 10, expected["seed"]);
    EXPECT_EQ(parameters_sha256(*network), expected["parameters_sha256"]);
    std::vector<std::string> names;
    for (const auto& parameter : named_parameters(*network)) names.push_back(parameter.name);
    EXPECT_EQ(names, expected["names"].get<std::vector<std::string>>());
  }
}

TEST(Mlp, FlattensImages) {
  auto network = make_mlp(784, {16}, 10, 0);
  const auto images = torch::rand({3, 28, 28});
  EXPECT_TRUE(network->forward(images).equal(network->forward(images.view({3, 784}))));
}

}  // namespace
}  // namespace lockstep::model

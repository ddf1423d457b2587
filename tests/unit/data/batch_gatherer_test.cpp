#include <gtest/gtest.h>

#include <lockstep/data/batch_gatherer.hpp>
#include <lockstep/data/fashion_mnist.hpp>

namespace lockstep::data {
namespace {

TEST(BatchGatherer, GathersAndScalesAsPyTorchsToTensor) {
  torch::manual_seed(1);
  const Dataset dataset{fashion_mnist_spec(),
                        torch::randint(0, 256, {40, 1, 28, 28}, torch::kUInt8),
                        torch::randint(0, 10, {40}, torch::kUInt8)};
  BatchGatherer gatherer(dataset, 8);
  const std::vector<std::int64_t> order = {3, 39, 0, 3, 17, 5, 6, 7, 12, 11};
  gatherer.set_order(order);
  for (const SampleRange& range : {SampleRange{0, 8}, SampleRange{8, 2}, SampleRange{1, 3}}) {
    const auto batch = gatherer.gather(range);
    ASSERT_EQ(batch.inputs.size(0), range.count);
    EXPECT_EQ(batch.targets.scalar_type(), torch::kInt64);
    for (std::int64_t row = 0; row < range.count; ++row) {
      const auto index = order[static_cast<std::size_t>(range.first + row)];
      const auto* pixels = dataset.inputs[index].data_ptr<std::uint8_t>();
      const auto* scaled = batch.inputs[row].data_ptr<float>();
      for (std::int64_t p = 0; p < kImagePixels; ++p) {
        ASSERT_EQ(scaled[p], static_cast<float>(pixels[p]) / 255.0F);  // a true division
      }
      EXPECT_EQ(batch.targets[row].item<int>(), dataset.targets[index].item<int>());
    }
  }
}

TEST(BatchGatherer, NormalisesChannelsAndKeepsNumbers) {
  torch::manual_seed(1);
  const SampleSpec spec{.input = {.shape = {3, 2, 5},
                                  .divisor = 255,
                                  .mean = {0.5, 0.25, 0.125},
                                  .deviation = {0.5, 2, 3}},
                        .target = NumberTarget{.shape = {4}}};
  const Dataset dataset{spec, torch::randint(0, 256, {7, 3, 2, 5}, torch::kUInt8),
                        torch::randn({7, 4})};
  BatchGatherer gatherer(dataset, 3);
  const std::vector<std::int64_t> order = {6, 0, 2, 6};
  gatherer.set_order(order);
  const auto batch = gatherer.gather({.first = 1, .count = 3});
  ASSERT_EQ(batch.inputs.sizes(), (std::vector<std::int64_t>{3, 3, 2, 5}));
  ASSERT_EQ(batch.targets.sizes(), (std::vector<std::int64_t>{3, 4}));
  for (std::int64_t row = 0; row < 3; ++row) {
    const auto index = order.at(static_cast<std::size_t>(row) + 1);
    EXPECT_TRUE(batch.targets[row].equal(dataset.targets[index]));
    for (std::int64_t channel = 0; channel < 3; ++channel) {
      const auto c = static_cast<std::size_t>(channel);
      const auto* const bytes = dataset.inputs[index][channel].data_ptr<std::uint8_t>();
      const auto* const numbers = batch.inputs[row][channel].data_ptr<float>();
      for (std::size_t i = 0; i < 10; ++i) {
        const auto scaled = static_cast<float>(bytes[i]) / 255.0F;
        const auto mean = static_cast<float>(spec.input.mean[c]);
        EXPECT_EQ(numbers[i], (scaled - mean) / static_cast<float>(spec.input.deviation[c]));
      }
    }
  }
}

TEST(BatchGatherer, TakesNumbersAndManyClassesAsTheyAre) {
  const SampleSpec spec{.input = {.shape = {2}, .element_type = torch::kFloat32},
                        .target = ClassTarget{.classes = 1000}};
  EXPECT_EQ(spec.target_type(), torch::kInt64);
  EXPECT_EQ(spec.input_bytes(), 8U);
  EXPECT_EQ(spec.target_bytes(), 8U);
  const Dataset dataset{spec, torch::randn({5, 2}),
                        torch::tensor({999, 0, 1, 2, 3}, torch::kInt64)};
  BatchGatherer gatherer(dataset, 2);
  const std::vector<std::int64_t> order = {4, 0};
  gatherer.set_order(order);
  const auto batch = gatherer.gather({.first = 0, .count = 2});
  EXPECT_TRUE(batch.inputs.equal(torch::stack({dataset.inputs[4], dataset.inputs[0]})));
  EXPECT_TRUE(batch.targets.equal(torch::tensor({3, 999}, torch::kInt64)));
}

}  // namespace
}  // namespace lockstep::data

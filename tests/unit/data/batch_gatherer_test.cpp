#include <utility>
#include <vector>

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

/// As `dataset`, with the images that are trained in this order in an epoch: padded, cropped and
/// mirrored one by one.
Dataset augmented_by_hand(const Dataset& dataset, const Augmentation& augmentation,
                          std::uint64_t seed, std::int64_t epoch,
                          const std::vector<std::int64_t>& order) {
  std::vector<torch::Tensor> images;
  std::vector<torch::Tensor> targets;
  for (const auto index : order) {
    const auto [down, right, mirrored] = draw_transform(augmentation, seed, epoch, index);
    const auto n = augmentation.crop;
    const auto image = dataset.inputs[index];
    const auto crop = torch::constant_pad_nd(image, {n, n, n, n})
                          .narrow(1, n + down, image.size(1))
                          .narrow(2, n + right, image.size(2));
    images.push_back(mirrored ? crop.flip(2) : crop);
    targets.push_back(dataset.targets[index]);
  }
  return {dataset.spec, torch::stack(images), torch::stack(targets)};
}

class AugmentedGathering : public ::testing::TestWithParam<InputSpec> {
 protected:
  static constexpr std::uint64_t kSeed = 5;
  static constexpr std::int64_t kEpoch = 3;
  const Augmentation augmentation_{.flip = true, .crop = 2};
  const Dataset dataset_ = make_dataset();
  // The tail of an epoch may repeat samples.
  const std::vector<std::int64_t> order_ = {3, 39, 0, 17, 5, 6, 7, 12, 11, 3, 39};

  static Dataset make_dataset() {
    torch::manual_seed(1);
    const auto& input = GetParam();
    auto shape = input.shape;
    shape.insert(shape.begin(), 40);
    return {{.input = input, .target = ClassTarget{.classes = 10}},
            torch::randint(0, 256, shape).to(input.element_type),
            torch::randint(0, 10, {40}, torch::kUInt8)};
  }
  [[nodiscard]] BatchGatherer gatherer(std::int64_t epoch) const {
    BatchGatherer gatherer(dataset_, 11, augmentation_, kSeed);
    gatherer.set_order(order_, epoch);
    return gatherer;
  }
  static std::pair<torch::Tensor, torch::Tensor> copy_of(const Batch& batch) {
    return {batch.inputs.clone(), batch.targets.clone()};
  }
};

TEST_P(AugmentedGathering, IsPlainGatheringOfAugmentedImages) {
  const auto by_hand = augmented_by_hand(dataset_, augmentation_, kSeed, kEpoch, order_);
  BatchGatherer plain(by_hand, 11);
  const auto all = by_hand.indices();
  plain.set_order(all);
  const auto [inputs, targets] = copy_of(plain.gather({.first = 0, .count = 11}));
  auto augmenting = gatherer(kEpoch);
  const auto whole = augmenting.gather({.first = 0, .count = 11});
  EXPECT_TRUE(whole.inputs.equal(inputs));
  EXPECT_TRUE(whole.targets.equal(targets));
  EXPECT_TRUE(whole.inputs[0].equal(whole.inputs[9])) << "the same sample in the same epoch";
}

TEST_P(AugmentedGathering, DoesNotDependOnBatches) {
  auto augmenting = gatherer(kEpoch);
  const auto [whole, targets] = copy_of(augmenting.gather({.first = 0, .count = 11}));
  for (const SampleRange& range :
       {SampleRange{3, 4}, SampleRange{0, 1}, SampleRange{10, 1}, SampleRange{1, 10}}) {
    const auto batch = augmenting.gather(range);
    EXPECT_TRUE(batch.inputs.equal(whole.narrow(0, range.first, range.count)));
    EXPECT_TRUE(batch.targets.equal(targets.narrow(0, range.first, range.count)));
  }
}

TEST_P(AugmentedGathering, DiffersBetweenEpochs) {
  auto augmenting = gatherer(kEpoch);
  const auto first = augmenting.gather({.first = 0, .count = 11}).inputs.clone();
  augmenting.set_order(order_, kEpoch + 1);
  const auto other = augmenting.gather({.first = 0, .count = 11}).inputs.clone();
  int same = 0;
  for (std::int64_t i = 0; i < 11; ++i) same += other[i].equal(first[i]) ? 1 : 0;
  EXPECT_LT(same, 4);  // one in 50 by chance
  augmenting.set_order(order_, kEpoch);
  EXPECT_TRUE(augmenting.gather({.first = 0, .count = 11}).inputs.equal(first));
}

INSTANTIATE_TEST_SUITE_P(ManyInputs, AugmentedGathering,
                         ::testing::Values(fashion_mnist_spec().input,
                                           InputSpec{.shape = {3, 5, 8},
                                                     .divisor = 255,
                                                     .mean = {0.5, 0.25, 0.125},
                                                     .deviation = {0.5, 2, 3}},
                                           InputSpec{.shape = {2, 6, 4},
                                                     .element_type = torch::kFloat32},
                                           InputSpec{.shape = {1, 3, 3},
                                                     .element_type = torch::kFloat64,
                                                     .divisor = 3,
                                                     .mean = {100},
                                                     .deviation = {7}}));

}  // namespace
}  // namespace lockstep::data

#include <gtest/gtest.h>

#include <lockstep/data/batch_gatherer.hpp>

namespace lockstep::data {
namespace {

TEST(BatchGatherer, GathersAndScalesAsPyTorchsToTensor) {
  torch::manual_seed(1);
  const ImageDataset dataset{torch::randint(0, 256, {40, kImagePixels}, torch::kUInt8),
                             torch::randint(0, 10, {40}, torch::kUInt8)};
  BatchGatherer gatherer(dataset, 8);
  const std::vector<std::int64_t> order = {3, 39, 0, 3, 17, 5, 6, 7, 12, 11};
  gatherer.set_order(order);
  for (const SampleRange& range : {SampleRange{0, 8}, SampleRange{8, 2}, SampleRange{1, 3}}) {
    const auto batch = gatherer.gather(range);
    ASSERT_EQ(batch.images.size(0), range.count);
    EXPECT_EQ(batch.labels.scalar_type(), torch::kInt64);
    for (std::int64_t row = 0; row < range.count; ++row) {
      const auto index = order[static_cast<std::size_t>(range.first + row)];
      const auto* pixels = dataset.images[index].data_ptr<std::uint8_t>();
      const auto* scaled = batch.images[row].data_ptr<float>();
      for (std::int64_t p = 0; p < kImagePixels; ++p) {
        ASSERT_EQ(scaled[p], static_cast<float>(pixels[p]) / 255.0F);  // a true division
      }
      EXPECT_EQ(batch.labels[row].item<int>(), dataset.labels[index].item<int>());
    }
  }
}

}  // namespace
}  // namespace lockstep::data

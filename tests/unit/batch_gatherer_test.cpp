#include <gtest/gtest.h>

#include <lockstep/data/batch_gatherer.hpp>

namespace lockstep::data {
namespace {

TEST(BatchGatherer, GathersAndScalesAsPyTorchsToTensor) {
  torch::manual_seed(1);
  const ImageDataset dataset{torch::randint(0, 256, {40, kImagePixels}, torch::kUInt8),
                             torch::randint(0, 10, {40}, torch::kUInt8)};
  BatchGatherer gatherer(dataset, 8);
  for (const std::vector<std::int64_t>& indices :
       {std::vector<std::int64_t>{3, 39, 0, 3, 17, 5, 6, 7}, {12, 11}}) {
    const auto batch = gatherer.gather(indices);
    ASSERT_EQ(batch.images.size(0), static_cast<std::int64_t>(indices.size()));
    EXPECT_EQ(batch.labels.scalar_type(), torch::kInt64);
    for (std::size_t i = 0; i < indices.size(); ++i) {
      const auto row = static_cast<std::int64_t>(i);
      const auto* pixels = dataset.images[indices[i]].data_ptr<std::uint8_t>();
      const auto* scaled = batch.images[row].data_ptr<float>();
      for (std::int64_t p = 0; p < kImagePixels; ++p) {
        ASSERT_EQ(scaled[p], static_cast<float>(pixels[p]) / 255.0F);  // a true division
      }
      EXPECT_EQ(batch.labels[row].item<int>(), dataset.labels[indices[i]].item<int>());
    }
  }
}

}  // namespace
}  // namespace lockstep::data

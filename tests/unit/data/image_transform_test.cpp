#include <vector>

#include <gtest/gtest.h>

#include <lockstep/data/image_transform.hpp>

namespace lockstep::data {
namespace {

/// By the definition, as torchvision's RandomCrop(padding=n) and RandomHorizontalFlip do it.
torch::Tensor by_hand(const torch::Tensor& image, const ImageTransform& transform) {
  constexpr std::int64_t kPadding = 8;
  const auto padded = torch::constant_pad_nd(image, {kPadding, kPadding, kPadding, kPadding});
  const auto crop = padded.narrow(1, kPadding + transform.down, image.size(1))
                        .narrow(2, kPadding + transform.right, image.size(2));
  return transform.mirrored ? crop.flip(2) : crop;
}

std::vector<ImageTransform> all_transforms(std::int64_t height, std::int64_t width) {
  std::vector<ImageTransform> all;
  for (std::int64_t down = 1 - height; down < height; ++down) {
    for (std::int64_t right = 1 - width; right < width; ++right) {
      all.push_back({.down = down, .right = right, .mirrored = false});
      all.push_back({.down = down, .right = right, .mirrored = true});
    }
  }
  return all;
}

TEST(ImageTransform, IsPaddingCroppingAndMirroringBitForBit) {
  torch::manual_seed(1);
  for (const auto& shape : std::vector<std::vector<std::int64_t>>{
           {1, 4, 4}, {3, 5, 2}, {2, 1, 7}, {4, 3, 1}, {1, 1, 1}}) {
    const auto transforms = all_transforms(shape[1], shape[2]);
    const auto count = static_cast<std::int64_t>(transforms.size());
    for (const auto type : {torch::kUInt8, torch::kInt16, torch::kFloat32, torch::kFloat64}) {
      const auto images =
          torch::randint(1, 256, {6, shape[0], shape[1], shape[2]}).to(type).contiguous();
      std::vector<std::int64_t> index;
      std::vector<torch::Tensor> expected;
      for (std::size_t i = 0; i < transforms.size(); ++i) {
        index.push_back(static_cast<std::int64_t>(i * i % 6));
        expected.push_back(by_hand(images[index.back()], transforms[i]));
      }
      auto rows = torch::full({count, shape[0], shape[1], shape[2]}, 77, type);
      gather_transformed(images, index, transforms, rows);
      EXPECT_TRUE(rows.equal(torch::stack(expected))) << torch::toString(type);
      // The way of devices.
      const auto selected = images.index_select(0, torch::tensor(index));
      EXPECT_TRUE(transformed(selected, tensor_of(transforms)).equal(torch::stack(expected)))
          << torch::toString(type);
    }
  }
}

TEST(ImageTransform, RefusesImagesThatAreNotThere) {
  const auto images = torch::zeros({2, 1, 3, 3});
  const auto rows = torch::zeros({1, 1, 3, 3});
  const std::vector<ImageTransform> transforms(1);
  for (const std::int64_t index : {-1, 2}) {
    const std::vector<std::int64_t> indices = {index};
    EXPECT_THROW(gather_transformed(images, indices, transforms, rows), c10::IndexError) << index;
  }
}

}  // namespace
}  // namespace lockstep::data

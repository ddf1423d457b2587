#include <set>
#include <vector>

#include <gtest/gtest.h>

#include <lockstep/data/fashion_mnist.hpp>
#include <lockstep/data/synthetic.hpp>

namespace lockstep::data {
namespace {

std::vector<std::byte> block_of(std::uint64_t seed) {
  const auto source = make_synthetic(fashion_mnist_spec(), 200, 100, seed);
  std::vector<std::byte> block(source->shape().block_bytes());
  for (const Part part : kAllParts) source->fill(part, source->shape().part(part, block));
  return block;
}

TEST(Synthetic, IsAPureFunctionOfItsSeed) {
  EXPECT_EQ(block_of(1), block_of(1));
  EXPECT_NE(block_of(1), block_of(2));
}

TEST(Synthetic, HasAllClassesAndImagesOfAClassResembleEachOther) {
  auto block = block_of(1);
  const auto train = make_synthetic(fashion_mnist_spec(), 200, 100, 1)->shape().train(block);
  std::set<int> classes;
  for (std::int64_t i = 0; i < train.size(); ++i) classes.insert(train.targets[i].item<int>());
  EXPECT_EQ(classes.size(), 10U);
  const auto images = train.inputs.to(torch::kFloat32).flatten(1);
  const auto same = train.targets.eq(train.targets[0]);
  const auto distances = (images - images[0]).norm(2, 1);
  const auto to_own = distances.masked_select(same).sum() / (same.sum() - 1);
  const auto to_others = distances.masked_select(same.logical_not()).mean();
  EXPECT_LT(to_own.item<double>(), 0.9 * to_others.item<double>());
}

}  // namespace
}  // namespace lockstep::data

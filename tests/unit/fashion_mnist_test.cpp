#include <gtest/gtest.h>

#include <lockstep/base/error.hpp>
#include <lockstep/data/fashion_mnist.hpp>

#include "expect_error.hpp"
#include "idx_bytes.hpp"

namespace lockstep::data {
namespace {

class FashionMnistTest : public ::testing::Test {
 protected:
  const tests::TemporaryFolder folder_;
  FashionMnistTest() { tests::write_dataset(folder_.path(), 30, 20); }

  void fill_all() {
    const auto source = open_fashion_mnist({folder_.path()});
    std::vector<std::byte> block(source->shape().block_bytes());
    for (const Part part : kAllParts) source->fill(part, source->shape().part(part, block));
  }
};

TEST_F(FashionMnistTest, PutsEveryPartWhereItsTensorsLook) {
  const auto source = open_fashion_mnist({"/nowhere", folder_.path()});
  std::vector<std::byte> block(source->shape().block_bytes());
  for (const Part part : kAllParts) source->fill(part, source->shape().part(part, block));
  const auto train = source->shape().train(block);
  const auto test = source->shape().test(block);
  ASSERT_EQ(train.images.sizes(), (std::vector<std::int64_t>{30, 784}));
  ASSERT_EQ(test.labels.sizes(), (std::vector<std::int64_t>{20}));
  for (std::int64_t i = 0; i < 20; ++i) {
    EXPECT_TRUE(train.images[i].eq(i).all().item<bool>());
    EXPECT_EQ(train.labels[i].item<int>(), i % 10);
    EXPECT_TRUE(test.images[i].eq(i).all().item<bool>());
  }
  EXPECT_EQ(train.first(7).size(), 7);
}

TEST_F(FashionMnistTest, SaysWhereItLookedWhenThereIsNoDataSet) {
  tests::expect_error<DataError>(
      [] {
        (void)open_fashion_mnist({"/nowhere", "/else"});
      },
      {"/nowhere or /else", "--data-dir", "fetch-data.sh"});
}

TEST_F(FashionMnistTest, NamesTheMissingFile) {
  std::filesystem::remove(folder_ / "t10k-labels-idx1-ubyte");
  tests::expect_error<DataError>([&] { fill_all(); }, {"t10k-labels-idx1-ubyte", "missing"});
}

TEST_F(FashionMnistTest, RefusesImagesAndLabelsOfDifferentCounts) {
  tests::write_bytes(folder_ / "train-labels-idx1-ubyte", tests::TinyDataset(29).labels);
  tests::expect_error<DataError>([&] { fill_all(); }, {"30 images", "29 labels"});
}

TEST_F(FashionMnistTest, RefusesALabelOutsideTheClasses) {
  auto labels = tests::TinyDataset(30).labels;
  labels[8 + 17] = static_cast<char>(200);
  tests::write_bytes(folder_ / "train-labels-idx1-ubyte", labels);
  tests::expect_error<DataError>([&] { fill_all(); },
                                 {"train-labels", "label 200 of sample 17", "byte 25"});
}

TEST_F(FashionMnistTest, RefusesOtherShapes) {
  tests::write_bytes(folder_ / "train-images-idx3-ubyte",
                     tests::idx_header({30, 14, 56}) + std::string(std::size_t{30} * 784, 'x'));
  tests::expect_error<DataError>([&] { fill_all(); }, {"[N, 28, 28]", "[30, 14, 56]"});
}

}  // namespace
}  // namespace lockstep::data

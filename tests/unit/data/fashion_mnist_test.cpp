#include <map>
#include <sys/stat.h>

#include <gmock/gmock.h>
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
  ASSERT_EQ(train.inputs.sizes(), (std::vector<std::int64_t>{30, 1, 28, 28}));
  ASSERT_EQ(test.targets.sizes(), (std::vector<std::int64_t>{20}));
  for (std::int64_t i = 0; i < 20; ++i) {
    EXPECT_TRUE(train.inputs[i].eq(i).all().item<bool>());
    EXPECT_EQ(train.targets[i].item<int>(), i % 10);
    EXPECT_TRUE(test.inputs[i].eq(i).all().item<bool>());
  }
  EXPECT_EQ(train.first(7).size(), 7);
}

TEST_F(FashionMnistTest, SaysWhereItLookedWhenThereIsNoDataSet) {
  tests::expect_error<DataError>(
      [] {
        (void)open_fashion_mnist({"/nowhere", "/else"});
      },
      {"/nowhere or /else", "(data_dir)", "fetch-data.sh"});
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

/// Spellings and places that are about, each of all four files.
TEST_F(FashionMnistTest, FindsTheFilesUnderTheirUsualNames) {
  const auto expect_found = [&](const std::filesystem::path& folder,
                                const std::filesystem::path& place) {
    const auto source = open_fashion_mnist({folder});
    EXPECT_EQ(source->shape().train_samples(), 30);
    EXPECT_EQ(source->folder(), place.string());
  };
  const auto copy_to = [&](const std::string& from, const std::filesystem::path& to) {
    std::filesystem::create_directories(to.parent_path());
    std::filesystem::copy_file(folder_ / from, to);
  };
  const auto dots = folder_ / "dots";
  const auto nested = folder_ / "nested";
  const auto root = folder_ / "root";
  const auto deeper = folder_ / "deeper";
  for (const std::string stem : {"train-images", "train-labels", "t10k-images", "t10k-labels"}) {
    const std::string idx = stem.ends_with("images") ? "idx3-ubyte" : "idx1-ubyte";
    auto name = stem;
    name.append("-").append(idx);
    auto with_dot = stem;
    copy_to(name, dots / with_dot.append(".").append(idx));
    copy_to(name, nested / name / name);  // as Kaggle's archive
    copy_to(name, root / "FashionMNIST/raw" / name);
    copy_to(name, deeper / "raw" / name);
  }
  expect_found(dots, dots);
  expect_found(nested, nested);
  expect_found(root, root / "FashionMNIST/raw");
  expect_found(deeper, deeper / "raw");
}

TEST_F(FashionMnistTest, AFolderDoesNotHideTheFileBesideIt) {
  const auto name = folder_ / "train-images-idx3-ubyte";
  std::filesystem::remove(name);
  std::filesystem::create_directory(name);
  tests::write_bytes(name.string() + ".gz", tests::gzip(tests::TinyDataset(30).images));
  fill_all();
}

TEST_F(FashionMnistTest, NamesWhatMayBeMeant) {
  const auto name = folder_ / "train-images-idx3-ubyte";
  std::filesystem::remove(name);
  const auto expect = [&](const std::string& near, const char* advice) {
    try {
      fill_all();
      ADD_FAILURE() << near;
    } catch (const DataError& error) {
      EXPECT_THAT(error.what(), ::testing::HasSubstr("train-images-idx3-ubyte[.gz] is missing"));
      EXPECT_THAT(error.what(), ::testing::HasSubstr("found " + (folder_ / near).string() + ": "));
      EXPECT_THAT(error.what(), ::testing::HasSubstr(advice));
    }
    std::filesystem::remove_all(folder_ / near);
  };
  const auto expect_file = [&](const std::string& near, const char* advice) {
    tests::write_bytes(folder_ / near, "x");
    expect(near, advice);
  };
  expect_file("Train-Images-IDX3-ubyte", "then name it train-images-idx3-ubyte");
  expect_file("train_images_idx3_ubyte.gz", "then name it train-images-idx3-ubyte.gz");
  expect_file("train-images-idx3-ubyte.zip", "unpack it");
  expect_file("train-images-idx3-ubyte.gz.part", "fetch it again");
  expect_file("train-images.csv", "another kind");
  std::filesystem::create_directory(name);
  expect("train-images-idx3-ubyte", "a folder without that file");
  ASSERT_EQ(::mkfifo(name.c_str(), 0600), 0);
  expect("train-images-idx3-ubyte", "a pipe or device");
}

TEST_F(FashionMnistTest, NamesTheFolderBelowThatHoldsThem) {
  const auto root = folder_ / "root";
  tests::write_dataset(root / "KMNIST/raw", 30, 20);
  tests::expect_error<DataError>([&] { (void)open_fashion_mnist({root}); },
                                 {(root / "KMNIST/raw").string(), "(data_dir)"});
  std::filesystem::remove_all(root / "KMNIST");
  std::filesystem::create_directories(root / "EMNIST/raw");
  tests::write_bytes(root / "EMNIST/raw/emnist-letters-test-labels-idx1-ubyte.gz", "x");
  tests::expect_error<DataError>([&] { (void)open_fashion_mnist({root}); },
                                 {(root / "EMNIST/raw").string() + " holds such files"});
}

TEST(FashionMnist, OnlyThePublishedFilesHaveItsName) {
  std::map<std::string, std::string> digests;
  for (const Part part : kAllParts) digests[part_name(part)] = published_digest(part);
  EXPECT_TRUE(are_published(digests));
  EXPECT_EQ(describe_files("/d", true), "FashionMNIST in /d");
  EXPECT_EQ(class_names(fashion_mnist_spec(), true).at(9), "Ankle boot");
  auto others = digests;
  others["test_labels"] = published_digest(Part::kTrainLabels);
  EXPECT_FALSE(are_published(others));
  EXPECT_FALSE(are_published({}));
  EXPECT_THAT(describe_files("/d", false), ::testing::HasSubstr("/d (not the published"));
  EXPECT_EQ(class_names(fashion_mnist_spec(), false).at(9), "9");
}

}  // namespace
}  // namespace lockstep::data

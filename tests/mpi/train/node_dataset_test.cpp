#include <algorithm>
#include <cmath>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <lockstep/comm/agreement.hpp>
#include <lockstep/comm/factory.hpp>
#include <lockstep/comm/gather.hpp>
#include <lockstep/data/fashion_mnist.hpp>
#include <lockstep/data/picture_dataset.hpp>
#include <lockstep/data/synthetic.hpp>
#include <lockstep/train/node_dataset.hpp>

#include "idx_bytes.hpp"
#include "picture_bytes.hpp"

namespace lockstep::train {
namespace {

OpenDataset files_in(const std::string& folder) {
  return [folder] { return data::open_fashion_mnist({folder}); };
}

std::unique_ptr<data::DatasetSource> synthetic() {
  return data::make_synthetic(data::fashion_mnist_spec(), 60000, 10000, 0);
}

class NodeDatasetTest : public ::testing::Test {
 protected:
  const runtime::RankLayout layout_ = runtime::discover_rank_layout();
  const std::unique_ptr<comm::Communicator> communicator_ =
      comm::make_communicator({.node_shared = false}, layout_);
  const tests::TemporaryFolder mine_;
  /// Rank 0's folder, for all ranks.
  const std::string folder_ = comm::broadcast_text(*communicator_, mine_.path().string(), 0);

  void expect_failure_of_all(const OpenDataset& open, const DataOptions& options, ExitCode code,
                             const char* mention) {
    try {
      (void)load_node_dataset(open, options, layout_, *communicator_);
      ADD_FAILURE() << "nothing was thrown";
    } catch (const comm::AgreedError& error) {
      EXPECT_EQ(error.code(), code);
      EXPECT_NE(std::string(error.what()).find(mention), std::string::npos) << error.what();
    }
    communicator_->barrier();
  }
};

TEST_F(NodeDatasetTest, EveryRankSeesTheWholeDataSetCutAsAsked) {
  if (layout_.rank == 0) tests::write_dataset(folder_, 40, 30);
  communicator_->barrier();
  const auto dataset =
      load_node_dataset(files_in(folder_), {.train_samples = 25}, layout_, *communicator_);
  EXPECT_EQ(dataset.train.size(), 25);
  EXPECT_EQ(dataset.test.size(), 30);
  for (std::int64_t i = 0; i < 25; ++i) {
    EXPECT_TRUE(dataset.train.inputs[i].eq(i).all().item<bool>());
    EXPECT_EQ(dataset.train.targets[i].item<int>(), i % 10);
  }
  EXPECT_EQ(dataset.digests().at("test_labels").size(), 64U);
  communicator_->barrier();
}

TEST_F(NodeDatasetTest, EveryRankNormalisesByTheWholeTrainingPart) {
  if (layout_.rank == 0) tests::write_dataset(folder_, 40, 30);
  communicator_->barrier();
  const auto dataset = load_node_dataset(
      files_in(folder_), {.train_samples = 25, .normalization = {.from_data = true}}, layout_,
      *communicator_);
  // Image i is filled with i: 0 to 39.
  double mean = 0;
  double square = 0;
  for (int i = 0; i < 40; ++i) {
    const auto value = static_cast<double>(static_cast<float>(i) / 255.0F);
    mean += value / 40;
    square += value * value / 40;
  }
  const auto deviation = std::sqrt(square - mean * mean);
  ASSERT_EQ(dataset.normalization.channels.size(), 1U);
  const auto found = dataset.normalization.channels[0];
  EXPECT_NEAR(found.mean, mean, 1e-12);
  EXPECT_NEAR(found.deviation, deviation, 1e-12);
  for (const auto& all :
       comm::gather_numbers(*communicator_, std::vector{found.mean, found.deviation})) {
    EXPECT_EQ(all, (std::vector{found.mean, found.deviation}));
  }
  for (const auto& spec : {dataset.shape.spec(), dataset.train.spec, dataset.test.spec}) {
    EXPECT_EQ(spec.input.mean, std::vector{found.mean});
    EXPECT_EQ(spec.input.deviation, std::vector{found.deviation});
    EXPECT_EQ(spec.input.divisor, 255);
  }
  EXPECT_EQ(dataset.train.size(), 25);
  const auto given = load_node_dataset(
      files_in(folder_), {.normalization = {.channels = {{0.5, 0.25}}}}, layout_, *communicator_);
  EXPECT_EQ(given.test.spec.input.mean, std::vector{0.5});
  EXPECT_EQ(given.test.spec.input.deviation, std::vector{0.25});
  const auto plain = load_node_dataset(files_in(folder_), {}, layout_, *communicator_);
  EXPECT_TRUE(plain.train.spec.input.mean.empty() && plain.train.spec.input.deviation.empty());
  EXPECT_FALSE(plain.normalization.is_on());
  communicator_->barrier();
}

/// Four pictures of two classes, each of the value of its number.
void write_pictures(const std::filesystem::path& folder) {
  int value = 1;
  for (const char* name : {"train/a/1", "train/a/2", "train/b/1", "test/b/1"}) {
    const auto path = folder / (std::string(name) + ".png");
    std::filesystem::create_directories(path.parent_path());
    const auto sample = static_cast<std::uint8_t>(value++);
    tests::write_bytes(path, tests::bytes_of(tests::Png{.width = 2, .samples = {sample, sample}}));
  }
}

void expect_pictures(const NodeDataset& dataset) {
  EXPECT_TRUE(
      dataset.train.inputs.flatten().equal(torch::tensor({1, 1, 2, 2, 3, 3}, torch::kUInt8)));
  EXPECT_TRUE(dataset.test.inputs.flatten().equal(torch::tensor({4, 4}, torch::kUInt8)));
  EXPECT_TRUE(dataset.train.targets.equal(torch::tensor({0, 0, 1}, torch::kUInt8)));
  EXPECT_TRUE(dataset.test.targets.equal(torch::tensor({1}, torch::kUInt8)));
}

TEST_F(NodeDatasetTest, PicturesAreDecodedOnceAHostAndMapped) {
  const auto cache = std::filesystem::path(folder_) / "cache";
  if (layout_.rank == 0) write_pictures(folder_);
  communicator_->barrier();
  const OpenDataset open = [&] {
    return data::open_picture_dataset(folder_, {.resize = {}, .cache_folder = cache});
  };
  for (int run = 0; run < 2; ++run) {
    const auto dataset = load_node_dataset(open, {}, layout_, *communicator_);
    EXPECT_EQ(dataset.warning, "");
    EXPECT_EQ(dataset.files.size(), 2U) << "training and test pictures, though they are small";
    EXPECT_TRUE(dataset.train.inputs_are_mapped && dataset.test.inputs_are_mapped);
    expect_pictures(dataset);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(cache), {}), 1);
    communicator_->barrier();
  }
}

TEST_F(NodeDatasetTest, PicturesThatCannotBeKeptAreDecodedIntoMemoryWithOneWarning) {
  const auto no_folder = std::filesystem::path(folder_) / "train/a/1.png";
  if (layout_.rank == 0) write_pictures(folder_);
  communicator_->barrier();
  const auto dataset = load_node_dataset(
      [&] {
        return data::open_picture_dataset(folder_, {.resize = {}, .cache_folder = no_folder});
      },
      {}, layout_, *communicator_);
  EXPECT_EQ(dataset.warning.empty(), layout_.local_rank != 0) << dataset.warning;
  EXPECT_TRUE(dataset.files.empty());
  expect_pictures(dataset);
  communicator_->barrier();
}

/// Has its training images in a file that one rank does not see.
class PartlySeen final : public data::DatasetSource {
 public:
  PartlySeen(std::filesystem::path file, bool seen) : file_(std::move(file)), seen_(seen) {}
  [[nodiscard]] std::string description() const override { return "numbers"; }
  [[nodiscard]] std::string folder() const override { return ""; }
  [[nodiscard]] data::DatasetShape shape() const override {
    return {{.input = {.shape = {1}}, .target = data::ClassTarget{.classes = 2}}, 3, 1};
  }
  [[nodiscard]] std::optional<data::FilePart> in_file(data::Part part) const override {
    if (part != data::Part::kTrainImages || !seen_) return std::nullopt;
    return data::FilePart{.path = file_, .offset = 0, .even_if_small = true};
  }
  void fill(data::Part /*part*/, std::span<std::byte> destination) override {
    std::fill(destination.begin(), destination.end(), std::byte{1});
  }

 private:
  std::filesystem::path file_;
  bool seen_;
};

TEST_F(NodeDatasetTest, AFileThatOneRankOfAHostDoesNotSeeIsMappedByNone) {
  const auto file = std::filesystem::path(folder_) / "numbers";
  if (layout_.rank == 0) tests::write_bytes(file, "222");
  communicator_->barrier();
  const int last = layout_.world_size - 1;
  for (const bool all_see : {false, true}) {
    const auto dataset = load_node_dataset(
        [&] { return std::make_unique<PartlySeen>(file, all_see || layout_.rank != last); }, {},
        layout_, *communicator_);
    EXPECT_EQ(dataset.files.size(), all_see ? 1U : 0U);
    EXPECT_EQ(dataset.train.inputs[2].item<int>(), all_see ? '2' : 1);
    communicator_->barrier();
  }
}

TEST_F(NodeDatasetTest, AllRanksFailTogether) {
  if (layout_.rank == 0) {
    tests::write_dataset(folder_, 40, 30);
    auto labels = tests::TinyDataset(40).labels;
    labels[10] = static_cast<char>(200);
    tests::write_bytes(std::filesystem::path(folder_) / "train-labels-idx1-ubyte", labels);
  }
  communicator_->barrier();
  expect_failure_of_all(files_in(folder_), {}, ExitCode::kData, "label 200");
  if (layout_.rank == 0) tests::write_dataset(folder_, 1, 30);
  communicator_->barrier();
  expect_failure_of_all(files_in(folder_), {.normalization = {.from_data = true}}, ExitCode::kData,
                        "channel 0");
  expect_failure_of_all(files_in(folder_), {.normalization = {.channels = {{0, 1}, {0, 1}}}},
                        ExitCode::kUsage, "2 pairs");
  expect_failure_of_all(files_in("/nowhere"), {}, ExitCode::kData, "/nowhere");
  expect_failure_of_all(synthetic, {.test_samples = 10001}, ExitCode::kUsage, "10001 test samples");
}

}  // namespace
}  // namespace lockstep::train

#include <cmath>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <lockstep/comm/agreement.hpp>
#include <lockstep/comm/factory.hpp>
#include <lockstep/comm/gather.hpp>
#include <lockstep/data/fashion_mnist.hpp>
#include <lockstep/data/synthetic.hpp>
#include <lockstep/train/node_dataset.hpp>

#include "idx_bytes.hpp"

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

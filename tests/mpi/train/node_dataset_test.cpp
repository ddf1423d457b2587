#include <filesystem>
#include <memory>
#include <string>

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

TEST_F(NodeDatasetTest, AllRanksFailTogether) {
  if (layout_.rank == 0) {
    tests::write_dataset(folder_, 40, 30);
    auto labels = tests::TinyDataset(40).labels;
    labels[10] = static_cast<char>(200);
    tests::write_bytes(std::filesystem::path(folder_) / "train-labels-idx1-ubyte", labels);
  }
  communicator_->barrier();
  expect_failure_of_all(files_in(folder_), {}, ExitCode::kData, "label 200");
  expect_failure_of_all(files_in("/nowhere"), {}, ExitCode::kData, "/nowhere");
  expect_failure_of_all(synthetic, {.test_samples = 10001}, ExitCode::kUsage, "10001 test samples");
}

}  // namespace
}  // namespace lockstep::train

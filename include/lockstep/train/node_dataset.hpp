// The data set, decoded once a node into memory that the node's ranks share.
#pragma once

#include <map>
#include <memory>
#include <string>

#include <lockstep/comm/communicator.hpp>
#include <lockstep/data/image_dataset.hpp>
#include <lockstep/runtime/node_memory.hpp>
#include <lockstep/runtime/rank_layout.hpp>
#include <lockstep/train/options.hpp>

namespace lockstep::train {

/// Owns the shared memory; `train` and `test` are views of it. Destruction is collective.
struct NodeDataset {
  runtime::NodeMemory memory;
  data::DatasetShape shape;
  data::ImageDataset train;
  data::ImageDataset test;
  std::string description;
  std::string folder;  ///< of its files; empty if it has none

  /// SHA-256 of each part's decoded bytes, by name ("train_images", …).
  [[nodiscard]] std::map<std::string, std::string> digests() const;
};

/// The data set that `options` name, its headers checked. Throws DataError.
[[nodiscard]] std::unique_ptr<data::DatasetSource> open_dataset(const DataOptions& options);

/// Collective. Opens the data set that `options` name, decodes it (the node's ranks share the
/// work), and cuts it to --train-samples and --test-samples. All ranks fail together: AgreedError
/// with exit code 3 (missing, damaged, or different on two ranks) or 2 (more samples asked for than
/// there are).
[[nodiscard]] NodeDataset load_node_dataset(const DataOptions& options,
                                            const runtime::RankLayout& layout,
                                            comm::Communicator& communicator);

}  // namespace lockstep::train

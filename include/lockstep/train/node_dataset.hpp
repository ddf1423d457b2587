// The data set, in memory that the node's ranks share: decoded once per node or, where it is large
// and lies in a file as it is wanted, the file itself.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <lockstep/comm/communicator.hpp>
#include <lockstep/data/dataset.hpp>
#include <lockstep/data/mapped_file.hpp>
#include <lockstep/runtime/node_memory.hpp>
#include <lockstep/runtime/rank_layout.hpp>
#include <lockstep/train/options.hpp>
#include <lockstep/watch/progress_board.hpp>

namespace lockstep::train {

using data::DatasetDigests;

/// Owns the shared memory and the mapped files; `train` and `test` are views of them. Destruction
/// is collective.
struct NodeDataset {
  runtime::NodeMemory memory;
  std::vector<data::MappedFile> files;
  data::PartBytes parts;  ///< in memory or in a file
  data::DatasetShape shape;
  data::Dataset train;
  data::Dataset test;
  std::string description;               ///< for data that is not `known`
  std::string folder;                    ///< of its files; empty if it has none
  std::optional<data::KnownData> known;  ///< what it is if its digests match
  data::Normalization normalization{};   ///< that was asked for: a pair for each channel, or none
  std::string warning{};                 ///< of this rank's preparation; empty: none

  /// Replaces the specification of inputs, which must be as they lie in memory.
  void set_input(const data::InputSpec& input);
  /// Reads everything: tens of milliseconds for FashionMNIST, seconds for what fills the memory.
  [[nodiscard]] DatasetDigests digests() const;
  /// Which data set it is, according to its digests, for people and for config.json.
  [[nodiscard]] std::string describe(const DatasetDigests& digests) const;
  /// The name of each class, according to its digests; numbers if the names are not known.
  [[nodiscard]] std::vector<std::string> class_names(const DatasetDigests& digests) const;
  /// A warning if the training labels leave some of the model's outputs without samples, else "".
  /// Looks at all labels, even of samples that were cut off.
  [[nodiscard]] std::string describe_absent_classes() const;
};

/// Opens a data set and checks its headers. Throws DataError.
using OpenDataset = std::function<std::unique_ptr<data::DatasetSource>()>;

/// Inputs of at least so many bytes are mapped instead of read, if they lie in a file as they are;
/// those for which the source says so, whatever their size.
inline constexpr std::size_t kMappedFromBytes = std::size_t{256} << 20U;

/// Collective. Opens the data set, has the first rank of each node prepare it, decodes it (the
/// node's ranks share the work), cuts it to the numbers of samples in `options`, and normalises its
/// inputs as they say: by statistics of the whole training part, which rank 0 computes, whatever is
/// cut off. `board` shows that this may take long. All ranks fail together: AgreedError with exit
/// code 3 (missing, damaged, different on two ranks, or without a deviation) or 2 (more samples
/// requested than there are, or inputs that cannot be normalised so).
[[nodiscard]] NodeDataset load_node_dataset(const OpenDataset& open, const DataOptions& options,
                                            const runtime::RankLayout& layout,
                                            comm::Communicator& communicator,
                                            watch::ProgressBoard* board = nullptr);

}  // namespace lockstep::train

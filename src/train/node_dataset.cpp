#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <lockstep/base/error.hpp>
#include <lockstep/base/sha256.hpp>
#include <lockstep/comm/agreement.hpp>
#include <lockstep/comm/gather.hpp>
#include <lockstep/data/spec_json.hpp>
#include <lockstep/train/node_dataset.hpp>
#include <lockstep/watch/long_work.hpp>

namespace lockstep::train {
namespace {

/// The training images, by far the largest part, go to the node's first rank, the rest to its last.
bool decodes(const runtime::RankLayout& layout, data::Part part) {
  const int owner = part == data::Part::kTrainImages ? 0 : layout.local_size - 1;
  return layout.local_rank == owner;
}

/// Ranks with different data would plan different steps and wait for each other forever.
void require_same(comm::Communicator& communicator, const runtime::RankLayout& layout,
                  const std::string& what) {
  const auto all = comm::gather_texts(communicator, what);
  comm::run_on_all_ranks(communicator, layout, [&] {
    if (const auto rank = comm::first_unlike_rank_0(all)) {
      throw DataError(
          fmt::format("rank 0 ({}) has {} but rank {} ({}) has {}: put the same data "
                      "set on every host",
                      layout.hosts[0], all[0], *rank, layout.hosts[*rank], all[*rank]));
    }
  });
}

/// Which classes occur in the data.
std::vector<bool> classes_in(const data::Dataset& dataset) {
  std::vector<bool> found(static_cast<std::size_t>(dataset.spec.outputs()));
  const auto labels = dataset.targets.to(torch::kInt64);
  const auto* const first = labels.data_ptr<std::int64_t>();
  for (const auto label : std::span(first, static_cast<std::size_t>(labels.numel()))) {
    found.at(static_cast<std::size_t>(label)) = true;
  }
  return found;
}

std::span<const std::byte> bytes_of(const data::PartBytes& parts, data::Part part) {
  return parts.at(static_cast<std::size_t>(part));
}

std::string label_digest(const data::PartBytes& parts) {
  Sha256 digest;
  digest.update(bytes_of(parts, data::Part::kTrainLabels));
  digest.update(bytes_of(parts, data::Part::kTestLabels));
  return to_hex(digest.finish());
}

/// Calls `read`, which reads mapped files from the beginning to the end.
template <typename Read>
void read_in_order(const std::vector<data::MappedFile>& files, const Read& read) {
  for (const auto& file : files) file.read_ahead(true);
  read();
  for (const auto& file : files) file.read_ahead(false);
}

/// The file that a part is mapped from; nothing if it is to be filled.
std::optional<data::FilePart> mapped_from(const data::DatasetSource& source,
                                          const data::DatasetShape& shape, data::Part part) {
  auto file = source.in_file(part);
  const bool large = shape.part_bytes(part) >= kMappedFromBytes;
  if (file && !large && !file->even_if_small) file.reset();
  return file;
}

/// Where each part is to lie: in a file that is mapped, or, one after another, in a block.
struct Placement {
  std::array<std::optional<data::FilePart>, data::kAllParts.size()> files;
  std::size_t block_bytes = 0;

  /// Collective: a part is mapped by all ranks of a node or by none, since they share the block,
  /// and a file of other programs' may come or go between two ranks' looks.
  Placement(const data::DatasetSource& source, const data::DatasetShape& shape,
            const runtime::RankLayout& layout, comm::Communicator& communicator) {
    std::array<std::uint8_t, data::kAllParts.size()> mine = {};
    for (std::size_t i = 0; i < files.size(); ++i) {
      files.at(i) = mapped_from(source, shape, data::kAllParts.at(i));
      mine.at(i) = files.at(i) ? 1 : 0;
    }
    const auto all = comm::gather_values(communicator, std::span<const std::uint8_t>(mine));
    for (std::size_t i = 0; i < files.size(); ++i) {
      const bool on_all =
          std::all_of(layout.node_ranks.begin(), layout.node_ranks.end(),
                      [&](int rank) { return all.at(static_cast<std::size_t>(rank)).at(i) != 0; });
      if (!on_all) files.at(i).reset();
      if (!on_all) block_bytes += padded(shape.part_bytes(data::kAllParts.at(i)));
    }
  }
  [[nodiscard]] bool is_mapped(data::Part part) const {
    return files.at(static_cast<std::size_t>(part)).has_value();
  }
  /// Maps the files. The other parts' bytes, in `block`, are still undefined.
  [[nodiscard]] data::PartBytes place(const data::DatasetShape& shape, std::span<std::byte> block,
                                      std::vector<data::MappedFile>& mapped) const {
    data::PartBytes parts;
    for (const data::Part part : data::kAllParts) {
      const auto& file = files.at(static_cast<std::size_t>(part));
      const auto bytes = shape.part_bytes(part);
      auto& place = parts.at(static_cast<std::size_t>(part));
      if (file) {
        mapped.emplace_back(file->path, file->offset, bytes);
        place = mapped.back().bytes();
      } else {
        place = block.first(bytes);
        block = block.subspan(padded(bytes));
      }
    }
    return parts;
  }

 private:
  static std::size_t padded(std::size_t bytes) {
    constexpr std::size_t kCacheLineBytes = 64;
    return (bytes + kCacheLineBytes - 1) / kCacheLineBytes * kCacheLineBytes;
  }
};

/// Collective. As `wanted`, with a pair for each channel: rank 0's, on every rank.
data::Normalization resolved(const data::Normalization& wanted, const data::Dataset& train,
                             const runtime::RankLayout& layout, comm::Communicator& communicator,
                             watch::ProgressBoard* board) {
  if (!wanted.is_on()) return wanted;
  const auto mine = comm::run_on_all_ranks(communicator, layout, [&] {
    data::check_normalization(wanted, train.spec.input);
    if (!wanted.from_data || layout.rank != 0) return wanted;
    data::Normalization computed;
    watch::work_long(board, [&] { computed.channels = data::channel_statistics(train); });
    return computed;
  });
  const auto text = comm::broadcast_text(communicator, data::to_text(mine), 0);
  auto all = data::parse_normalization(text).value();
  const auto channels = static_cast<std::size_t>(train.spec.input.shape.front());
  if (all.channels.size() == 1) all.channels.resize(channels, all.channels.front());
  return all;
}

data::Dataset cut(const data::Dataset& dataset, std::int64_t count, const char* split,
                  const char* setting) {
  if (count == 0) return dataset;
  if (count > dataset.size()) {
    throw UsageError(fmt::format("{} {} samples are asked for, and the data set has only {}", count,
                                 split, dataset.size()),
                     {setting});
  }
  return dataset.first(count);
}

}  // namespace

void NodeDataset::set_input(const data::InputSpec& input) {
  train.spec.input = input;
  test.spec.input = input;
  shape = {train.spec, shape.train_samples(), shape.test_samples()};
}

DatasetDigests NodeDataset::digests() const {
  DatasetDigests digests;
  read_in_order(files, [&] {
    for (const data::Part part : data::kAllParts) {
      digests[data::part_name(part)] = sha256_of(bytes_of(parts, part));
    }
  });
  return digests;
}

std::string NodeDataset::describe(const DatasetDigests& digests) const {
  return known && known->digests == digests ? known->description : description;
}

std::vector<std::string> NodeDataset::class_names(const DatasetDigests& digests) const {
  return data::class_names(shape.spec(), !known || known->digests == digests);
}

std::string NodeDataset::describe_absent_classes() const {
  if (!std::holds_alternative<data::ClassTarget>(shape.spec().target)) return {};
  const auto trained = classes_in(shape.train(parts));
  const auto tested = classes_in(shape.test(parts));
  const auto names = data::class_names(shape.spec(), !known);
  std::vector<std::string> present;
  std::vector<std::string> never;
  std::vector<std::string> only_tested;
  for (std::size_t label = 0; label < trained.size(); ++label) {
    (trained.at(label) ? present : never).push_back(names.at(label));
    if (tested.at(label) && !trained.at(label)) only_tested.push_back(names.at(label));
  }
  if (never.empty()) return {};
  constexpr std::size_t kMaxNamed = 50;
  if (trained.size() > kMaxNamed) {
    return fmt::format("{} of the {} classes occur in no training label", never.size(),
                       trained.size());
  }
  auto text = fmt::format(
      "the training labels are only {}: of the network's {} outputs, {} stand{} for no class",
      fmt::join(present, ", "), trained.size(), never.size(), never.size() == 1 ? "s" : "");
  if (!only_tested.empty()) {
    text += fmt::format(", and the test labels {} occur in no training image",
                        fmt::join(only_tested, ", "));
  }
  return text;
}

NodeDataset load_node_dataset(const OpenDataset& open, const DataOptions& options,
                              const runtime::RankLayout& layout, comm::Communicator& communicator,
                              watch::ProgressBoard* board) {
  // Rank by rank, this may take longer than others would wait.
  const auto run_long = [&](const auto& work) {
    return comm::run_on_all_ranks(communicator, layout, [&] {
      std::optional<decltype(work())> result;
      watch::work_long(board, [&] { result.emplace(work()); });
      return *std::move(result);
    });
  };
  const auto source = run_long([&] { return open(); });
  const auto warning =
      run_long([&] { return layout.local_rank == 0 ? source->prepare() : std::string(); });
  const auto shape = run_long([&] { return source->shape(); });
  require_same(communicator, layout,
               fmt::format("{} training and {} test samples of {}", shape.train_samples(),
                           shape.test_samples(), data::describe(shape.spec())));
  const Placement placement(*source, shape, layout, communicator);
  runtime::NodeMemory memory(placement.block_bytes, layout);
  std::vector<data::MappedFile> files;
  const auto parts = run_long([&] {
    auto placed = placement.place(shape, memory.bytes(), files);
    for (const data::Part part : data::kAllParts) {
      if (!decodes(layout, part) || placement.is_mapped(part)) continue;
      const auto place = bytes_of(placed, part);
      source->fill(part, {const_cast<std::byte*>(place.data()), place.size()});
    }
    return placed;
  });
  memory.synchronize();
  require_same(communicator, layout, fmt::format("labels of SHA-256 {}", label_digest(parts)));
  auto [train, test] = comm::run_on_all_ranks(communicator, layout, [&] {
    return std::pair(cut(shape.train(parts), options.train_samples, "training", "train_samples"),
                     cut(shape.test(parts), options.test_samples, "test", "test_samples"));
  });
  train.inputs_are_mapped = placement.is_mapped(data::Part::kTrainImages);
  test.inputs_are_mapped = placement.is_mapped(data::Part::kTestImages);
  NodeDataset dataset{std::move(memory),
                      std::move(files),
                      parts,
                      shape,
                      std::move(train),
                      std::move(test),
                      source->description(),
                      source->folder(),
                      source->known(),
                      {},
                      warning};
  read_in_order(dataset.files, [&] {
    dataset.normalization =
        resolved(options.normalization, shape.train(parts), layout, communicator, board);
  });
  if (dataset.normalization.is_on()) {
    auto input = shape.spec().input;
    data::normalize(input, dataset.normalization.channels);
    dataset.set_input(input);
  }
  return dataset;
}

}  // namespace lockstep::train

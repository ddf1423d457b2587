#include <array>
#include <memory>
#include <span>
#include <utility>

#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/base/sha256.hpp>
#include <lockstep/comm/agreement.hpp>
#include <lockstep/data/fashion_mnist.hpp>
#include <lockstep/data/synthetic.hpp>
#include <lockstep/train/node_dataset.hpp>

namespace lockstep::train {
namespace {

constexpr std::int64_t kSyntheticTrainSamples = 60000;
constexpr std::int64_t kSyntheticTestSamples = 10000;
constexpr std::uint64_t kSyntheticSeed = 0;  // the same data for every run and for `evaluate`

/// The training images, by far the largest part, to the node's first rank; the rest to its last.
bool decodes(const runtime::RankLayout& layout, data::Part part) {
  const int owner = part == data::Part::kTrainImages ? 0 : layout.local_size - 1;
  return layout.local_rank == owner;
}

/// Ranks with different data would plan different steps and wait for each other for ever.
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

std::string label_digest(const data::DatasetShape& shape, std::span<std::byte> block) {
  Sha256 digest;
  digest.update(shape.part(data::Part::kTrainLabels, block));
  digest.update(shape.part(data::Part::kTestLabels, block));
  return to_hex(digest.finish());
}

data::ImageDataset cut(const data::ImageDataset& dataset, std::int64_t count, const char* option) {
  if (count == 0) return dataset;
  if (count > dataset.size()) {
    throw UsageError(
        fmt::format("{} {}: the data set has only {} samples", option, count, dataset.size()));
  }
  return dataset.first(count);
}

}  // namespace

std::unique_ptr<data::DatasetSource> open_dataset(const DataOptions& options) {
  if (options.synthetic) {
    return data::make_synthetic(kSyntheticTrainSamples, kSyntheticTestSamples, kSyntheticSeed);
  }
  if (!options.data_dir.empty()) return data::open_fashion_mnist({options.data_dir});
  return data::open_fashion_mnist(data::default_data_folders());
}

std::map<std::string, std::string> NodeDataset::digests() const {
  constexpr std::array kNames = {"train_images", "train_labels", "test_images", "test_labels"};
  std::map<std::string, std::string> digests;
  for (const data::Part part : data::kAllParts) {
    Sha256 digest;
    digest.update(shape.part(part, memory.bytes()));
    digests[kNames.at(static_cast<std::size_t>(part))] = to_hex(digest.finish());
  }
  return digests;
}

NodeDataset load_node_dataset(const DataOptions& options, const runtime::RankLayout& layout,
                              comm::Communicator& communicator) {
  const auto source =
      comm::run_on_all_ranks(communicator, layout, [&] { return open_dataset(options); });
  const auto shape = source->shape();
  require_same(
      communicator, layout,
      fmt::format("{} training and {} test samples", shape.train_samples(), shape.test_samples()));
  runtime::NodeMemory memory(shape.block_bytes(), layout);
  comm::run_on_all_ranks(communicator, layout, [&] {
    for (const data::Part part : data::kAllParts) {
      if (decodes(layout, part)) source->fill(part, shape.part(part, memory.bytes()));
    }
  });
  memory.synchronize();
  const auto block = memory.bytes();
  require_same(communicator, layout,
               fmt::format("labels of SHA-256 {}", label_digest(shape, block)));
  auto [train, test] = comm::run_on_all_ranks(communicator, layout, [&] {
    return std::pair(cut(shape.train(block), options.train_samples, "--train-samples"),
                     cut(shape.test(block), options.test_samples, "--test-samples"));
  });
  return {std::move(memory), shape, train, test, source->description(), source->folder()};
}

}  // namespace lockstep::train

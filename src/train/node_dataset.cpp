#include <memory>
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

std::string label_digest(const data::DatasetShape& shape, std::span<std::byte> block) {
  Sha256 digest;
  digest.update(shape.part(data::Part::kTrainLabels, block));
  digest.update(shape.part(data::Part::kTestLabels, block));
  return to_hex(digest.finish());
}

/// Collective. As `wanted`, with a pair for each channel: rank 0's, on every rank.
data::Normalization resolved(const data::Normalization& wanted, const data::Dataset& train,
                             const runtime::RankLayout& layout, comm::Communicator& communicator) {
  if (!wanted.is_on()) return wanted;
  const auto mine = comm::run_on_all_ranks(communicator, layout, [&] {
    data::check_normalization(wanted, train.spec.input);
    const bool computes = wanted.from_data && layout.rank == 0;
    return computes ? data::Normalization{.channels = data::channel_statistics(train)} : wanted;
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
  for (const data::Part part : data::kAllParts) {
    digests[data::part_name(part)] = sha256_of(shape.part(part, memory.bytes()));
  }
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
  const auto trained = classes_in(shape.train(memory.bytes()));
  const auto tested = classes_in(shape.test(memory.bytes()));
  std::vector<std::size_t> present;
  std::vector<std::size_t> never;
  std::vector<std::size_t> only_tested;
  for (std::size_t label = 0; label < trained.size(); ++label) {
    (trained.at(label) ? present : never).push_back(label);
    if (tested.at(label) && !trained.at(label)) only_tested.push_back(label);
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
                              const runtime::RankLayout& layout, comm::Communicator& communicator) {
  const auto source = comm::run_on_all_ranks(communicator, layout, [&] { return open(); });
  const auto shape = source->shape();
  require_same(communicator, layout,
               fmt::format("{} training and {} test samples of {}", shape.train_samples(),
                           shape.test_samples(), data::describe(shape.spec())));
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
    return std::pair(cut(shape.train(block), options.train_samples, "training", "train_samples"),
                     cut(shape.test(block), options.test_samples, "test", "test_samples"));
  });
  NodeDataset dataset{
      std::move(memory), shape,          std::move(train), std::move(test), source->description(),
      source->folder(),  source->known()};
  dataset.normalization = resolved(options.normalization, shape.train(block), layout, communicator);
  if (dataset.normalization.is_on()) {
    auto input = shape.spec().input;
    data::normalize(input, dataset.normalization.channels);
    dataset.set_input(input);
  }
  return dataset;
}

}  // namespace lockstep::train

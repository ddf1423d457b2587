// Networks with running statistics: the same on all ranks, at any number of them, as computed by
// hand.
#include <limits>
#include <memory>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <lockstep/comm/factory.hpp>
#include <lockstep/comm/gather.hpp>
#include <lockstep/model/safetensors.hpp>
#include <lockstep/train/trainer.hpp>

#include "expect_error.hpp"
#include "temporary_folder.hpp"

namespace lockstep::train {
namespace {

using ::testing::Each;

constexpr std::int64_t kShards = 4;
constexpr std::int64_t kSamples = 104;  // the last step has 2 a shard
constexpr std::int64_t kInputs = 5;
constexpr std::int64_t kClasses = 3;

/// Batch normalisation has running means and variances, and a counter; a mask is constant.
class NormalisedNetwork final : public model::Network {
 public:
  NormalisedNetwork() {
    first_ = register_module("first", torch::nn::Linear(kInputs, 4));
    norm_ = register_module("norm", torch::nn::BatchNorm1d(4));
    last_ = register_module("last", torch::nn::Linear(4, kClasses));
    mask_ = register_buffer("mask", torch::tensor({0.F, -std::numeric_limits<float>::infinity()}));
    used_ = register_buffer("used", torch::zeros({1}, torch::kBool));
  }
  torch::Tensor forward(const torch::Tensor& inputs) override {
    if (is_training()) used_.fill_(true);
    return last_->forward(torch::relu(norm_->forward(first_->forward(inputs))));
  }

 private:
  torch::nn::Linear first_{nullptr};
  torch::nn::BatchNorm1d norm_{nullptr};
  torch::nn::Linear last_{nullptr};
  torch::Tensor mask_;
  torch::Tensor used_;
};

std::shared_ptr<NormalisedNetwork> make_network() {
  torch::manual_seed(3);
  return std::make_shared<NormalisedNetwork>();
}

data::Dataset make_dataset() {
  torch::manual_seed(4);
  return {{.input = {.shape = {kInputs}, .element_type = torch::kFloat32},
           .target = data::ClassTarget{.classes = kClasses}},
          torch::randn({kSamples, kInputs}),
          torch::randint(0, kClasses, {kSamples}, torch::kUInt8)};
}

TrainOptions make_options() {
  TrainOptions options;
  options.sampling.global_batch_size = 48;
  options.sampling.tail = data::Tail::kExact;
  options.optimization.epochs = 2;
  options.optimization.lr = 0.1;
  options.distribution.virtual_shards = kShards;
  return options;
}

class NoEvents final : public metrics::EventSink {};

TrainerParts parts_of(const model::NetworkPtr& network, comm::Communicator& communicator,
                      runtime::ComputeStream& compute, const runtime::RankLayout& layout,
                      const runtime::StopSource& stop) {
  return {.network = network,
          .loss = model::loss_function(model::Loss::kCrossEntropy),
          .train = make_dataset(),
          .test = make_dataset(),
          .control = communicator,
          .gradients = communicator,
          .compute = compute,
          .layout = layout,
          .stop = stop};
}

/// Trains with all ranks, or each alone.
std::shared_ptr<NormalisedNetwork> train(const TrainOptions& options,
                                         const runtime::RankLayout& layout) {
  auto network = make_network();
  const auto communicator = comm::make_communicator({.fixed_order = true}, layout);
  runtime::HostStream compute;
  const runtime::StopRequest stop;
  NoEvents events;
  Trainer trainer(options, resolve_batch_sizes(options, layout.world_size),
                  parts_of(network, *communicator, compute, layout, stop));
  (void)trainer.run(events);
  communicator->barrier();
  return network;
}

runtime::RankLayout alone(const runtime::RankLayout& layout) {
  return {.host = layout.host, .hosts = {layout.host}, .process_ids = {layout.process_id}};
}

TEST(Buffers, AreTheSameAtAnyNumberOfRanks) {
  const auto layout = runtime::discover_rank_layout();
  auto options = make_options();
  const bool can_share = kShards % layout.world_size == 0;
  if (!can_share) options.distribution.virtual_shards = 0;
  const auto digest = model::parameters_sha256(*train(options, layout));
  const auto communicator = comm::make_communicator({}, layout);
  EXPECT_THAT(comm::gather_texts(*communicator, digest), Each(digest));
  if (can_share) {
    EXPECT_EQ(digest, model::parameters_sha256(*train(options, alone(layout))));
  }
}

TEST(Buffers, MoveByTheMeanOfTheShardsMoves) {
  const auto layout = runtime::discover_rank_layout();
  auto options = make_options();
  options.optimization.epochs = 1;
  options.optimization.max_steps = 1;
  options.sampling.shuffle = false;
  options.distribution.virtual_shards = 0;
  options.sampling.global_batch_size = 36;  // 1, 2, 3 and 4 ranks share it evenly
  const auto trained = train(options, layout);

  // Rank r has every samples' position that is r modulo the number of ranks.
  const auto dataset = make_dataset();
  const auto before = model::named_buffers(*make_network());
  std::vector<torch::Tensor> expected;
  for (const auto& [name, value] : before) expected.push_back(value.to(torch::kFloat64));
  const auto ranks = layout.world_size;
  for (int rank = 0; rank < ranks; ++rank) {
    const auto shard = make_network();
    std::vector<std::int64_t> own;
    for (std::int64_t i = rank; i < *options.sampling.global_batch_size; i += ranks)
      own.push_back(i);
    shard->train();
    (void)shard->forward(dataset.inputs.index({torch::tensor(own)}));
    const auto after = model::named_buffers(*shard);
    for (std::size_t i = 0; i < after.size(); ++i) {
      const bool counted = !after[i].value.is_floating_point();
      if (after[i].name == "mask" || (counted && rank > 0)) continue;
      const auto move = after[i].value.to(torch::kFloat64) - before[i].value.to(torch::kFloat64);
      expected[i] += counted ? move : move / ranks;
    }
  }
  const auto buffers = model::named_buffers(*trained);
  ASSERT_EQ(buffers.size(), 5U);
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    EXPECT_TRUE(torch::allclose(buffers[i].value.to(torch::kFloat64), expected[i], 1e-6, 1e-7))
        << buffers[i].name << '\n'
        << buffers[i].value << '\n'
        << expected[i];
  }
}

TEST(Buffers, AreSavedAndResumed) {
  const auto layout = runtime::discover_rank_layout();
  const auto own = alone(layout);
  const auto options = make_options();
  const auto communicator = comm::make_communicator({.fixed_order = true}, own);
  const tests::TemporaryFolder folder;
  runtime::HostStream compute;
  const runtime::StopRequest stop;
  NoEvents events;
  const auto train_on = [&](std::int64_t max_steps, const Checkpoint* from) {
    auto part = options;
    part.optimization.max_steps = max_steps;
    auto network = make_network();
    Trainer trainer(part, resolve_batch_sizes(part, 1),
                    parts_of(network, *communicator, compute, own, stop));
    CheckpointWriter writer([&] { return CheckpointFolder(folder.path()); }, 1);
    if (from != nullptr) trainer.restore(*from);
    (void)trainer.run(events, {&writer, nlohmann::ordered_json::object()});
    return network;
  };
  (void)train_on(2, nullptr);
  // Rank 0's, as a resumed run gets it.
  const auto all = comm::make_communicator({}, layout);
  std::optional<Checkpoint> read;
  if (layout.rank == 0) {
    read = read_checkpoint(folder.path() / "checkpoints" / "step-00000002.safetensors");
  }
  auto checkpoint = broadcast_checkpoint(std::move(read), *all).value();
  const auto resumed = train_on(0, &checkpoint);
  EXPECT_EQ(model::parameters_sha256(*resumed), model::parameters_sha256(*train(options, own)));

  for (auto& [name, value] : checkpoint.tensors) {
    if (name == "norm.num_batches_tracked") value = value.to(torch::kFloat32);
  }
  tests::expect_error<DataError>([&] { (void)train_on(0, &checkpoint); },
                                 {"step-00000002", "norm.num_batches_tracked", "F32", "I64"});
}

}  // namespace
}  // namespace lockstep::train

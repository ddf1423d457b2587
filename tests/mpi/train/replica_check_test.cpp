#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <lockstep/comm/agreement.hpp>
#include <lockstep/comm/factory.hpp>
#include <lockstep/train/replica_check.hpp>

#include "small_training.hpp"

namespace lockstep::train {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class ReplicaCheckTest : public ::testing::Test {
 protected:
  const runtime::RankLayout layout_ = runtime::discover_rank_layout();
  const std::unique_ptr<comm::Communicator> control_ =
      comm::make_communicator({.node_shared = false}, layout_);
  std::vector<model::NamedTensor> parts_ = {{"first", torch::ones({300})},
                                            {"second", torch::ones({20, 5})},
                                            {"optimizer.exp_avg.first", torch::ones({300})}};

  /// The message of the failure; empty if there is none.
  std::string check() {
    try {
      require_equal_replicas(digests_of(parts_), "step 7", *control_, layout_);
      return {};
    } catch (const comm::AgreedError& error) {
      EXPECT_EQ(error.code(), ExitCode::kFailure);
      EXPECT_EQ(error.speaks(), layout_.rank == 0);
      return error.what();
    }
  }
  static void flip_a_bit(const torch::Tensor& tensor) {
    auto* const words = static_cast<std::uint32_t*>(tensor.data_ptr());
    words[3] ^= 1U;
  }
};

TEST_F(ReplicaCheckTest, IsContentWithEqualReplicas) {
  EXPECT_EQ(check(), "");
}

TEST_F(ReplicaCheckTest, NamesTheRankAndTheFirstPartOfASingleFlippedBit) {
  if (layout_.world_size < 2) GTEST_SKIP() << "needs two ranks";
  for (int odd = 0; odd < layout_.world_size; ++odd) {
    for (const std::size_t part : {std::size_t{1}, std::size_t{2}}) {
      if (layout_.rank == odd) flip_a_bit(parts_[part].value);
      const auto message = check();
      if (layout_.rank == odd) flip_a_bit(parts_[part].value);
      EXPECT_THAT(message, AllOf(HasSubstr("step 7"), HasSubstr("first in " + parts_[part].name)));
      if (layout_.world_size == 2) {
        EXPECT_THAT(message,
                    AllOf(HasSubstr(layout_.describe(1) + " differs from " + layout_.describe(0)),
                          HasSubstr("no majority")));
      } else {
        EXPECT_THAT(message, HasSubstr(layout_.describe(odd) + " differs from the other"));
        EXPECT_THAT(message, Not(HasSubstr(layout_.describe((odd + 1) % layout_.world_size))));
      }
    }
  }
}

/// A bit flips in one rank's weights in the middle of training.
class FlipABit final : public metrics::EventSink {
 public:
  FlipABit(bool here, std::function<torch::Tensor()> weights)
      : here_(here), weights_(std::move(weights)) {}
  using EventSink::on;
  void on(const metrics::TrainStep& event) override {
    if (!here_ || event.step != 5) return;
    auto* const words = static_cast<std::uint32_t*>(weights_().data_ptr());
    words[0] ^= 1U;
  }

 private:
  bool here_;
  std::function<torch::Tensor()> weights_;
};

TEST_F(ReplicaCheckTest, TrainingStopsAtTheNextCheck) {
  if (layout_.world_size < 3) GTEST_SKIP() << "needs a majority";
  auto options = tests::small_run();
  options.distribution.check_replicas_every = 4;
  options.optimization.optimizer = "adam";
  options.sampling.batch_size = 2;
  options.optimization.accumulate_steps = 1;
  const auto gradients = comm::make_communicator({}, layout_);
  runtime::HostStream compute;
  auto network = tests::small_network();
  FlipABit events(layout_.rank == 1, [&] { return network->parameters().back(); });
  try {
    (void)tests::train_small(network, options, *control_, *gradients, compute, torch::kCPU, events);
    ADD_FAILURE() << "should have been stopped";
  } catch (const comm::AgreedError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("step 8"), HasSubstr(layout_.describe(1)),
                                    HasSubstr("linear_relu_stack")));
  }
}

}  // namespace
}  // namespace lockstep::train

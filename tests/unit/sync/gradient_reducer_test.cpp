#include <memory>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <lockstep/base/error.hpp>
#include <lockstep/comm/communicator.hpp>
#include <lockstep/sync/gradient_reducer.hpp>

#include "expect_error.hpp"

namespace lockstep::sync {
namespace {

/// One rank that records what it is asked to reduce, and when.
class RecordingCommunicator final : public comm::Communicator {
 public:
  [[nodiscard]] int rank() const noexcept override { return 0; }
  [[nodiscard]] int size() const noexcept override { return 1; }
  std::span<float> allocate(std::size_t elements) override {
    memory_.emplace_back(elements, 0.0F);
    return memory_.back();
  }
  comm::Completion all_reduce(std::span<const float> send, std::span<float> /*receive*/) override {
    sizes.push_back(send.size());
    last_element.push_back(send.back());
    return comm::Completion(comm::OperationTime{.seconds = 0.5});
  }
  comm::Completion all_reduce(std::span<double> /*buffer*/) override {
    return comm::Completion(comm::OperationTime{});
  }
  comm::Completion all_gather(std::span<const std::byte> /*send*/,
                              std::span<std::byte> /*receive*/) override {
    return comm::Completion(comm::OperationTime{});
  }
  comm::Completion broadcast(std::span<std::byte> /*buffer*/, int /*root*/) override {
    return comm::Completion(comm::OperationTime{});
  }
  void barrier() override {}
  [[nodiscard]] bool overlaps() const noexcept override { return true; }

  std::vector<std::size_t> sizes;
  std::vector<float> last_element;

 private:
  std::vector<std::vector<float>> memory_;
};

constexpr BucketLimits kSmallBuckets{.first_bytes = 4, .other_bytes = 4};

class GradientReducerTest : public ::testing::Test {
 protected:
  GradientReducerTest() {
    torch::manual_seed(0);
    first_ = torch::nn::Linear(3, 4);
    second_ = torch::nn::Linear(4, 2);
  }
  std::vector<torch::Tensor> parameters() {
    return {first_->weight, first_->bias, second_->weight, second_->bias};
  }
  torch::Tensor loss() { return second_(torch::tanh(first_(torch::ones({5, 3})))).pow(2).sum(); }

  torch::nn::Linear first_ = nullptr;
  torch::nn::Linear second_ = nullptr;
  /// Construction has all-reduced every bucket once.
  void forget_warm_up() {
    communicator_.sizes.clear();
    communicator_.last_element.clear();
  }

  RecordingCommunicator communicator_;
  runtime::HostStream compute_;
};

TEST_F(GradientReducerTest, GradientsSetToNoneBeforeAStepAreAttachedAgain) {
  loss().backward();
  const auto expected = first_->weight.grad().clone();
  GradientReducer reducer(parameters(), communicator_, compute_, kSmallBuckets);
  for (auto& parameter : parameters()) parameter.mutable_grad() = torch::Tensor();
  reducer.begin_step();
  const auto value = loss();
  reducer.expect_last_backward({.loss_sum = value, .samples = 5});
  value.backward();
  reducer.finish_step();
  EXPECT_TRUE(first_->weight.grad().equal(expected));
  EXPECT_TRUE(reducer.views_of(reducer.flat_gradients())[0].equal(expected));
}

TEST_F(GradientReducerTest, GradientsSetToNoneWithinAStepAreAnErrorOfTheBackwardPass) {
  GradientReducer reducer(parameters(), communicator_, compute_, kSmallBuckets);
  reducer.begin_step();
  second_->bias.mutable_grad() = torch::Tensor();
  const auto value = loss();
  reducer.expect_last_backward({.loss_sum = value, .samples = 5});
  tests::expect_error<UsageError>([&] { value.backward(); }, {"parameter 3 of 4", "begin_step"});
}

TEST_F(GradientReducerTest, ParametersThatCannotBeTrainedAreNamed) {
  const auto refuse = [&](const std::vector<torch::Tensor>& all,
                          std::initializer_list<std::string_view> mentions) {
    tests::expect_error<UsageError>(
        [&] { const GradientReducer reducer(all, communicator_, compute_, kSmallBuckets); },
        mentions);
  };
  refuse({}, {"no parameters"});
  first_->bias.set_requires_grad(false);
  refuse(parameters(), {"parameter 1 of 4", "frozen"});
  first_->bias.set_requires_grad(true);
  refuse({first_->weight, torch::ones({2}, torch::dtype(torch::kFloat64).requires_grad(true))},
         {"parameter 1 of 2", "float32"});
}

TEST_F(GradientReducerTest, GivesTheGradientsThatAutogradGivesAlone) {
  loss().backward();
  std::vector<torch::Tensor> expected;
  for (const auto& parameter : parameters()) expected.push_back(parameter.grad().clone());

  GradientReducer reducer(parameters(), communicator_, compute_, kSmallBuckets);
  for (int step = 0; step < 3; ++step) {
    reducer.begin_step();
    const auto value = loss();
    reducer.expect_last_backward({.loss_sum = value, .samples = 5});
    value.backward();
    const auto seconds = reducer.finish_step();
    EXPECT_DOUBLE_EQ(seconds.communication, 4 * 0.5);
    const auto totals = reducer.take_totals();
    EXPECT_FLOAT_EQ(static_cast<float>(totals.loss_sum), value.item<float>());
    EXPECT_EQ(totals.samples, 5);
    EXPECT_FALSE(totals.stop);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_TRUE(parameters()[i].grad().equal(expected[i])) << i;
    }
  }
}

TEST_F(GradientReducerTest, WarmsUpEveryBucketSize) {
  const GradientReducer reducer(parameters(), communicator_, compute_, kSmallBuckets);
  EXPECT_EQ(communicator_.sizes, (std::vector<std::size_t>{16, 16, 16, 16 + 3}));
  EXPECT_THAT(communicator_.last_element, ::testing::Each(0.0F));
}

TEST_F(GradientReducerTest, SendsBucketsInPlanOrderDuringBackward) {
  GradientReducer reducer(parameters(), communicator_, compute_, kSmallBuckets);
  forget_warm_up();
  reducer.begin_step();
  const auto value = loss();
  reducer.expect_last_backward({.loss_sum = value, .samples = 5});
  EXPECT_TRUE(communicator_.sizes.empty());
  value.backward();
  // second.bias, second.weight, first.bias, first.weight (64-byte lines), the last with the tail.
  EXPECT_EQ(communicator_.sizes, (std::vector<std::size_t>{16, 16, 16, 16 + 3}));
  (void)reducer.finish_step();
  EXPECT_EQ(communicator_.sizes.size(), 4U);
}

TEST_F(GradientReducerTest, AccumulatesSeveralBackwardsAndSendsAfterTheLast) {
  loss().backward();
  const auto once = first_->weight.grad().clone();
  GradientReducer reducer(parameters(), communicator_, compute_, kSmallBuckets);
  forget_warm_up();
  reducer.begin_step();
  loss().backward();
  EXPECT_TRUE(communicator_.sizes.empty());
  const auto value = loss();
  reducer.expect_last_backward({.loss_sum = value, .samples = 10});
  value.backward();
  (void)reducer.finish_step();
  EXPECT_TRUE(first_->weight.grad().allclose(2 * once));
}

TEST_F(GradientReducerTest, ARankWithoutSamplesSendsZerosAndItsWishToStop) {
  GradientReducer reducer(parameters(), communicator_, compute_, kSmallBuckets);
  forget_warm_up();
  reducer.begin_step();
  reducer.expect_last_backward({.wants_to_stop = true});
  (void)reducer.finish_step();
  const auto totals = reducer.take_totals();
  EXPECT_EQ(communicator_.sizes.size(), 4U);
  EXPECT_EQ(communicator_.last_element.back(), 1.0F);
  EXPECT_EQ(totals.samples, 0);
  EXPECT_TRUE(totals.stop);
  EXPECT_EQ(reducer.flat_gradients().abs().sum().item<float>(), 0.0F);
}

TEST_F(GradientReducerTest, ForgetsTheStepBeforeAlsoWhereTheOptimizerClearedItsGradients) {
  GradientReducer reducer(parameters(), communicator_, compute_, kSmallBuckets);
  reducer.begin_step();
  const auto value = loss();
  reducer.expect_last_backward({.loss_sum = value, .samples = 5});
  value.backward();
  (void)reducer.finish_step();
  EXPECT_GT(reducer.take_totals().loss_sum, 0);
  reducer.flat_gradients().zero_();
  reducer.begin_step(true);
  reducer.expect_last_backward({});
  (void)reducer.finish_step();
  EXPECT_EQ(reducer.take_totals().loss_sum, 0);
  EXPECT_EQ(reducer.flat_gradients().abs().sum().item<float>(), 0.0F);
}

TEST_F(GradientReducerTest, ParametersStayTheSameAndBecomeViewsOfOneTensor) {
  const auto before = first_->weight.clone();
  GradientReducer reducer(parameters(), communicator_, compute_, kSmallBuckets);
  EXPECT_TRUE(first_->weight.equal(before));
  {
    const torch::NoGradGuard guard;
    reducer.flat_parameters().fill_(0.25);
  }
  for (const auto& parameter : parameters()) EXPECT_TRUE(parameter.eq(0.25).all().item<bool>());
}

TEST_F(GradientReducerTest, TakesItsHooksAwayWithIt) {
  {
    GradientReducer reducer(parameters(), communicator_, compute_, kSmallBuckets);
    forget_warm_up();
    reducer.begin_step();
    reducer.expect_last_backward({.samples = 5});
  }
  loss().backward();
  EXPECT_TRUE(communicator_.sizes.empty());
}

}  // namespace
}  // namespace lockstep::sync

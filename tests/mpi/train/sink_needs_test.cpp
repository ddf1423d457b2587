// Only rank 0 has sinks, yet what they need costs every rank: its device must take the same calls.
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <lockstep/comm/factory.hpp>

#include "small_training.hpp"

namespace lockstep::tests {
namespace {

class Collector final : public metrics::EventSink {
 public:
  explicit Collector(metrics::SinkNeeds needs) : needs_(needs) {}
  [[nodiscard]] metrics::SinkNeeds needs() const override { return needs_; }
  using EventSink::on;
  void on(const metrics::TrainStep& event) override { steps.push_back(event); }
  void on(const metrics::Histograms& event) override { histograms.push_back(event); }

  std::vector<metrics::TrainStep> steps;
  std::vector<metrics::Histograms> histograms;

 private:
  metrics::SinkNeeds needs_;
};

struct Outcome {
  SmallResult result;
  std::vector<metrics::TrainStep> steps;
  std::vector<metrics::Histograms> histograms;
};

/// Rank 0's sinks need `needs`, those of other ranks `others`.
Outcome train_with(metrics::SinkNeeds needs, metrics::SinkNeeds others) {
  const auto layout = runtime::discover_rank_layout();
  const auto communicator = comm::make_communicator({.node_shared = false}, layout);
  runtime::HostStream compute;
  torch::manual_seed(4);
  Collector events(communicator->rank() == 0 ? needs : others);
  auto options = small_run();
  options.optimization.clip_grad_norm = 0;  // plain SGD clears the gradients where it may
  auto result = train_small(options, *communicator, *communicator, compute, torch::kCPU, events);
  return {std::move(result), std::move(events.steps), std::move(events.histograms)};
}

TEST(SinkNeeds, AreRank0sAndChangeNoWeight) {
  const auto plain = train_with({}, {.gradient_norm = true, .histogram_every = 1});
  const auto needy = train_with({.gradient_norm = true, .histogram_every = 2}, {});
  EXPECT_EQ(plain.result.digest, needy.result.digest);
  if (runtime::discover_rank_layout().rank != 0) return;
  ASSERT_FALSE(plain.steps.empty());
  for (const auto& step : plain.steps) EXPECT_FALSE(step.gradient_norm.has_value());
  EXPECT_TRUE(plain.histograms.empty());
  for (const auto& step : needy.steps) EXPECT_GT(step.gradient_norm.value_or(0), 0);
  ASSERT_EQ(needy.histograms.size(), 1) << "of the second of two epochs";
}

TEST(SinkNeeds, HistogramsShowTheGradientsOfTheLastStep) {
  const auto needy = train_with({.gradient_norm = true, .histogram_every = 1}, {});
  if (runtime::discover_rank_layout().rank != 0) return;
  ASSERT_EQ(needy.histograms.size(), 2);
  double squares = 0;
  for (const auto& tensor : needy.histograms.back().tensors) {
    if (tensor.tag.starts_with("gradients/")) squares += tensor.sum_of_squares;
  }
  const double norm = needy.steps.back().gradient_norm.value_or(0);
  EXPECT_NEAR(squares, norm * norm, 1e-5 * squares);
}

}  // namespace
}  // namespace lockstep::tests

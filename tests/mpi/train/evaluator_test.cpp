#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>

#include <gtest/gtest.h>

#include <lockstep/comm/factory.hpp>
#include <lockstep/data/fashion_mnist.hpp>
#include <lockstep/model/mlp.hpp>
#include <lockstep/train/evaluator.hpp>

namespace lockstep::train {
namespace {

/// Accuracy and average loss by the definition, in double, without LibTorch's losses.
metrics::Evaluation by_hand(model::NetworkPtr network, const data::Dataset& dataset,
                            std::int64_t batch_size) {
  const torch::NoGradGuard no_gradients;
  metrics::Evaluation result{.samples = dataset.size()};
  const auto logits =
      network->forward(dataset.inputs.to(torch::kFloat32) / 255.0).to(torch::kFloat64).contiguous();
  double batches = 0;
  for (std::int64_t begin = 0; begin < dataset.size(); begin += batch_size) {
    const auto end = std::min(begin + batch_size, dataset.size());
    double sum = 0;
    for (std::int64_t i = begin; i < end; ++i) {
      const auto* row = logits.data_ptr<double>() + i * data::kClasses;
      const int label = dataset.targets[i].item<int>();
      double total = 0;
      for (int c = 0; c < data::kClasses; ++c) total += std::exp(row[c]);
      sum += std::log(total) - row[label];
      result.correct = result.correct.value_or(0) +
                       (std::max_element(row, row + data::kClasses) - row == label ? 1 : 0);
    }
    result.average_loss += sum / static_cast<double>(end - begin);
    batches += 1;
  }
  result.average_loss /= batches;
  return result;
}

TEST(Evaluator, GivesTheDefinitionsFiguresAtAnyNumberOfRanks) {
  const auto layout = runtime::discover_rank_layout();
  const auto communicator = comm::make_communicator({.node_shared = false}, layout);
  auto network = model::make_mlp(data::kImagePixels, {32}, data::kClasses, 1);
  torch::manual_seed(2);
  const data::Dataset dataset{data::fashion_mnist_spec(),
                              torch::randint(0, 256, {150, 1, 28, 28}, torch::kUInt8),
                              torch::randint(0, 10, {150}, torch::kUInt8)};
  std::vector<std::int64_t> samples(150);
  std::iota(samples.begin(), samples.end(), 0);
  for (const std::int64_t batch_size : {1, 64, 1000}) {
    Evaluator evaluator(network, model::loss_function(model::Loss::kCrossEntropy), *communicator,
                        dataset, samples, batch_size);
    const auto result = evaluator.evaluate(metrics::Evaluation::Set::kTest, 3);
    const auto expected = by_hand(network, dataset, batch_size);
    EXPECT_EQ(result.correct, expected.correct);
    EXPECT_EQ(result.samples, 150);
    EXPECT_NEAR(result.average_loss, expected.average_loss, 1e-6);
    EXPECT_FALSE(network->is_training());
  }
}

}  // namespace
}  // namespace lockstep::train

#include <cmath>

#include <gtest/gtest.h>

#include <lockstep/base/error.hpp>
#include <lockstep/model/loss.hpp>

#include "expect_error.hpp"
#include "golden.hpp"

namespace lockstep::model {
namespace {

class LossTest : public ::testing::Test {
 protected:
  const nlohmann::json golden_ = tests::load_golden("pytorch.json", "losses");
  const std::vector<std::vector<double>> rows_ = golden_["logits"];
  const std::vector<std::int64_t> labels_ = golden_["labels"];

  double mean(Loss loss) {
    std::vector<float> flat;
    for (const auto& row : rows_) flat.insert(flat.end(), row.begin(), row.end());
    const auto count = static_cast<std::int64_t>(rows_.size());
    const auto logits = torch::tensor(flat).view({count, -1});
    return loss_sum(loss, logits, torch::tensor(labels_)).item<double>() /
           static_cast<double>(count);
  }
};

TEST_F(LossTest, MatchesPyTorchsMeans) {
  EXPECT_NEAR(mean(Loss::kCrossEntropy), golden_["cross_entropy"], 1e-6);
  EXPECT_NEAR(mean(Loss::kNll), golden_["nll"], 1e-6);
  EXPECT_NEAR(mean(Loss::kMse), golden_["mse"], 1e-5);
}

TEST_F(LossTest, CrossEntropyIsTheDefinitionsFormula) {
  double sum = 0;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    double total = 0;
    for (const double logit : rows_[i]) total += std::exp(logit);
    sum += std::log(total) - rows_[i][static_cast<std::size_t>(labels_[i])];
  }
  EXPECT_NEAR(mean(Loss::kCrossEntropy), sum / static_cast<double>(rows_.size()), 1e-6);
}

TEST(LabelSmoothing, LossAndGradientArePyTorchs) {
  const auto golden = tests::load_golden("optimization.json", "label_smoothing");
  const std::vector<std::int64_t> labels = golden["labels"];
  const std::vector<float> logits = golden["logits"];
  const auto samples = static_cast<std::int64_t>(labels.size());
  for (const auto& item : golden["cases"]) {
    SCOPED_TRACE(item["smoothing"].dump());
    const auto outputs = torch::tensor(logits).view({samples, -1}).requires_grad_();
    const auto loss = loss_function(Loss::kCrossEntropy, item["smoothing"]);
    const auto mean = loss(outputs, torch::tensor(labels)) / samples;
    mean.backward();
    EXPECT_NEAR(mean.item<double>(), item["loss"], 1e-6);
    const std::vector<float> gradient = item["gradient"];
    EXPECT_TRUE(outputs.grad().flatten().allclose(torch::tensor(gradient), 1e-5, 1e-7));
  }
}

TEST(LabelSmoothing, OfNoSampleIs0) {
  const auto outputs = torch::zeros({0, 10}).requires_grad_();
  const auto sum = loss_sum(Loss::kCrossEntropy, outputs, torch::zeros({0}, torch::kInt64), 0.1);
  sum.backward();
  EXPECT_EQ(sum.item<double>(), 0);
  EXPECT_EQ(outputs.grad().numel(), 0);
}

TEST(LossOfNumbers, IsTheMeanOverATargetsNumbersSummedOverSamples) {
  const auto outputs = torch::tensor({{1.F, 2.F}, {3.F, 5.F}});
  const auto targets = torch::tensor({{0.F, 4.F}, {3.F, 4.F}});
  EXPECT_EQ(loss_sum(Loss::kMse, outputs, targets).item<double>(), (1 + 4) / 2.0 + (0 + 1) / 2.0);
  EXPECT_EQ(loss_sum(Loss::kL1, outputs, targets).item<double>(), (1 + 2) / 2.0 + (0 + 1) / 2.0);
  // A network may give one number a sample without a dimension of its own.
  EXPECT_EQ(
      loss_sum(Loss::kMse, torch::tensor({1.F, 2.F}), torch::tensor({{0.F}, {4.F}})).item<double>(),
      1 + 4);
  tests::expect_error<UsageError>(
      [&] { (void)loss_sum(Loss::kMse, outputs.flatten().slice(0, 0, 3), targets); },
      {"3 numbers for 2 samples", "have 4"});
}

}  // namespace
}  // namespace lockstep::model

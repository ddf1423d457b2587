#include <algorithm>
#include <span>
#include <utility>

#include <lockstep/train/evaluator.hpp>

namespace lockstep::train {
namespace {

enum Result : std::uint8_t { kLoss, kCorrect, kResults };
enum Column : std::uint8_t { kLabel, kPredicted, kConfidence, kColumns };

}  // namespace

Evaluator::Evaluator(model::NeuralNetwork network, model::Loss loss,
                     comm::Communicator& communicator, data::ImageDataset dataset,
                     std::vector<std::int64_t> samples, std::int64_t batch_size)
    : network_(std::move(network)),
      loss_(loss),
      communicator_(communicator),
      samples_(std::move(samples)),
      batch_size_(std::min(batch_size, static_cast<std::int64_t>(samples_.size()))),
      device_(dataset.images.device()),
      gatherer_(std::move(dataset), batch_size_) {
  gatherer_.set_order(samples_);
}

std::int64_t Evaluator::batches() const {
  return (static_cast<std::int64_t>(samples_.size()) + batch_size_ - 1) / batch_size_;
}

data::SampleRange Evaluator::samples_of(std::int64_t batch) const {
  const auto total = static_cast<std::int64_t>(samples_.size());
  const auto first = batch * batch_size_;
  return {.first = first, .count = std::min(batch_size_, total - first)};
}

// The table lies on the device, so that the host waits once, at the end. A rank fills in its own
// batches, and adding the others' zeros changes no bit.
template <typename Fill>
std::vector<double> Evaluator::collect(std::int64_t rows, std::int64_t columns, Fill fill) {
  const torch::NoGradGuard no_gradients;
  network_->eval();
  auto table = torch::zeros({rows, columns}, torch::TensorOptions(device_).dtype(torch::kFloat64));
  for (std::int64_t b = communicator_.rank(); b < batches(); b += communicator_.size()) {
    const auto batch = gatherer_.gather(samples_of(b));
    fill(table, b, batch.labels, network_->forward(batch.images));
  }
  table = table.to(torch::kCPU);
  std::vector<double> numbers(table.data_ptr<double>(), table.data_ptr<double>() + table.numel());
  communicator_.all_reduce(std::span(numbers)).wait();
  return numbers;
}

metrics::Evaluation Evaluator::evaluate(metrics::Evaluation::Set set, std::int64_t epoch) {
  // Per batch its loss and correct count. Doubles count exactly up to 2^53.
  const auto numbers = collect(
      batches(), kResults,
      [&](torch::Tensor& table, std::int64_t batch, const auto& labels, const auto& logits) {
        auto row = table.select(0, batch);
        row.select(0, kLoss).copy_(model::loss_sum(loss_, logits, labels));
        row.select(0, kCorrect).copy_(logits.argmax(1).eq(labels).sum());
      });
  metrics::Evaluation evaluation{
      .set = set, .epoch = epoch, .samples = static_cast<std::int64_t>(samples_.size())};
  for (std::int64_t b = 0; b < batches(); ++b) {
    const auto row = std::span(numbers).subspan(static_cast<std::size_t>(kResults * b), kResults);
    evaluation.average_loss += row[kLoss] / static_cast<double>(samples_of(b).count);
    evaluation.correct += static_cast<std::int64_t>(row[kCorrect]);
  }
  evaluation.average_loss /= static_cast<double>(batches());
  return evaluation;
}

std::vector<Prediction> Evaluator::predict() {
  const auto numbers = collect(
      static_cast<std::int64_t>(samples_.size()), kColumns,
      [&](torch::Tensor& table, std::int64_t batch, const auto& labels, const auto& logits) {
        const auto range = samples_of(batch);
        const auto [confidence, predicted] = logits.softmax(1).max(1);
        auto rows = table.narrow(0, range.first, range.count);
        rows.select(1, kLabel).copy_(labels);
        rows.select(1, kPredicted).copy_(predicted);
        rows.select(1, kConfidence).copy_(confidence);
      });
  std::vector<Prediction> predictions;
  for (std::size_t i = 0; i < numbers.size(); i += kColumns) {
    predictions.push_back({static_cast<std::int64_t>(numbers[i + kLabel]),
                           static_cast<std::int64_t>(numbers[i + kPredicted]),
                           numbers[i + kConfidence]});
  }
  return predictions;
}

}  // namespace lockstep::train

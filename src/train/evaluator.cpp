#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include <lockstep/train/evaluator.hpp>

namespace lockstep::train {
namespace {

// After this many batches on each, several ranks ask each other whether one wants to stop.
constexpr std::int64_t kRoundsBetweenAgreements = 16;

enum Result : std::uint8_t { kLoss, kCorrect, kResults };
enum Column : std::uint8_t { kLabel, kPredicted, kConfidence, kColumns };

}  // namespace

Evaluator::Evaluator(model::NetworkPtr network, model::LossFunction loss,
                     comm::Communicator& communicator, data::Dataset dataset,
                     std::vector<std::int64_t> samples, std::int64_t batch_size)
    : network_(std::move(network)),
      loss_(std::move(loss)),
      communicator_(communicator),
      samples_(std::move(samples)),
      batch_size_(std::min(batch_size, static_cast<std::int64_t>(samples_.size()))),
      device_(dataset.inputs.device()),
      classifies_(std::holds_alternative<data::ClassTarget>(dataset.spec.target)),
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

// The table is on the device, so that the host waits only once, at the end. A rank fills in its own
// batches, and adding the others' zeros changes no bit.
template <typename Fill>
std::optional<std::vector<double>> Evaluator::collect(std::int64_t rows, std::int64_t columns,
                                                      const StopWish& wants_to_stop, Fill fill) {
  const torch::NoGradGuard no_gradients;
  network_->eval();
  auto table = torch::zeros({rows, columns}, torch::TensorOptions(device_).dtype(torch::kFloat64));
  const std::int64_t every = communicator_.size() > 1 ? kRoundsBetweenAgreements : 1;
  std::int64_t round = 0;
  for (std::int64_t first = 0; first < batches(); first += communicator_.size(), ++round) {
    if (wants_to_stop && round % every == 0 && agree_to_stop(wants_to_stop())) return std::nullopt;
    const std::int64_t b = first + communicator_.rank();
    if (b >= batches()) continue;  // the last round may not have a batch for every rank
    const std::int64_t next = b + communicator_.size();
    if (next < batches()) gatherer_.prefetch(samples_of(next));
    const auto batch = gatherer_.gather(samples_of(b));
    fill(table, b, batch.targets, network_->forward(batch.inputs));
  }
  table = table.to(torch::kCPU);
  std::vector<double> numbers(table.data_ptr<double>(), table.data_ptr<double>() + table.numel());
  communicator_.all_reduce(std::span(numbers)).wait();
  return numbers;
}

bool Evaluator::agree_to_stop(bool mine) {
  if (communicator_.size() == 1) return mine;
  std::array<double, 1> wishes = {mine ? 1.0 : 0.0};
  communicator_.all_reduce(std::span<double>(wishes)).wait();
  return wishes[0] > 0;
}

metrics::Evaluation Evaluator::evaluate(metrics::Evaluation::Set set, std::int64_t epoch) {
  return evaluate(set, epoch, nullptr).value();
}

std::optional<metrics::Evaluation> Evaluator::evaluate(metrics::Evaluation::Set set,
                                                       std::int64_t epoch,
                                                       const StopWish& wants_to_stop) {
  // Per batch: its loss and correct count. Doubles count exactly up to 2^53.
  const auto numbers = collect(
      batches(), kResults, wants_to_stop,
      [&](torch::Tensor& table, std::int64_t batch, const auto& labels, const auto& logits) {
        auto row = table.select(0, batch);
        row.select(0, kLoss).copy_(loss_(logits, labels));
        if (classifies_) row.select(0, kCorrect).copy_(logits.argmax(1).eq(labels).sum());
      });
  if (!numbers) return std::nullopt;
  metrics::Evaluation evaluation{
      .set = set, .epoch = epoch, .samples = static_cast<std::int64_t>(samples_.size())};
  std::int64_t correct = 0;
  for (std::int64_t b = 0; b < batches(); ++b) {
    const auto row = std::span(*numbers).subspan(static_cast<std::size_t>(kResults * b), kResults);
    evaluation.average_loss += row[kLoss] / static_cast<double>(samples_of(b).count);
    correct += static_cast<std::int64_t>(row[kCorrect]);
  }
  if (classifies_) evaluation.correct = correct;
  evaluation.average_loss /= static_cast<double>(batches());
  return evaluation;
}

std::optional<std::vector<Prediction>> Evaluator::predict(const StopWish& wants_to_stop) {
  const auto numbers = collect(
      static_cast<std::int64_t>(samples_.size()), kColumns, wants_to_stop,
      [&](torch::Tensor& table, std::int64_t batch, const auto& labels, const auto& logits) {
        const auto range = samples_of(batch);
        const auto [confidence, predicted] = logits.softmax(1).max(1);
        auto rows = table.narrow(0, range.first, range.count);
        rows.select(1, kLabel).copy_(labels);
        rows.select(1, kPredicted).copy_(predicted);
        rows.select(1, kConfidence).copy_(confidence);
      });
  if (!numbers) return std::nullopt;
  std::vector<Prediction> predictions;
  for (std::size_t i = 0; i < numbers->size(); i += kColumns) {
    predictions.push_back({static_cast<std::int64_t>((*numbers)[i + kLabel]),
                           static_cast<std::int64_t>((*numbers)[i + kPredicted]),
                           (*numbers)[i + kConfidence]});
  }
  return predictions;
}

}  // namespace lockstep::train

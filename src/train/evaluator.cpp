#include <algorithm>
#include <span>
#include <utility>

#include <lockstep/train/evaluator.hpp>

namespace lockstep::train {
namespace {

enum Result : std::uint8_t { kLoss, kCorrect };

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

metrics::Evaluation Evaluator::evaluate(metrics::Evaluation::Set set, std::int64_t epoch) {
  const torch::NoGradGuard no_gradients;
  network_->eval();
  const auto total = static_cast<std::int64_t>(samples_.size());
  const std::int64_t batches = (total + batch_size_ - 1) / batch_size_;

  const auto samples_of = [&](std::int64_t batch) {
    return data::SampleRange{.first = batch * batch_size_,
                             .count = std::min(batch_size_, total - batch * batch_size_)};
  };

  // Per batch its loss and correct count, on the device, so that the host waits once, at the end. A
  // rank fills in its own batches, and adding the others' zeros changes no bit. Doubles count
  // exactly up to 2^53.
  auto results = torch::zeros({batches, 2}, torch::TensorOptions(device_).dtype(torch::kFloat64));
  for (std::int64_t b = communicator_.rank(); b < batches; b += communicator_.size()) {
    const auto batch = gatherer_.gather(samples_of(b));
    const auto logits = network_->forward(batch.images);
    auto row = results.select(0, b);
    row.select(0, kLoss).copy_(model::loss_sum(loss_, logits, batch.labels));
    row.select(0, kCorrect).copy_(logits.argmax(1).eq(batch.labels).sum());
  }
  results = results.to(torch::kCPU);
  const auto numbers =
      std::span(results.data_ptr<double>(), static_cast<std::size_t>(results.numel()));
  communicator_.all_reduce(numbers).wait();

  metrics::Evaluation evaluation{.set = set, .epoch = epoch, .samples = total};
  for (std::int64_t b = 0; b < batches; ++b) {
    const auto row = numbers.subspan(static_cast<std::size_t>(2 * b), 2);
    evaluation.average_loss += row[kLoss] / static_cast<double>(samples_of(b).count);
    evaluation.correct += static_cast<std::int64_t>(row[kCorrect]);
  }
  evaluation.average_loss /= static_cast<double>(batches);
  return evaluation;
}

}  // namespace lockstep::train

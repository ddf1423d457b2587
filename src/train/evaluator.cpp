#include <algorithm>
#include <span>
#include <utility>

#include <lockstep/train/evaluator.hpp>

namespace lockstep::train {

Evaluator::Evaluator(model::NeuralNetwork network, model::Loss loss,
                     comm::Communicator& communicator, data::ImageDataset dataset,
                     std::vector<std::int64_t> samples, std::int64_t batch_size)
    : network_(std::move(network)),
      loss_(loss),
      communicator_(communicator),
      samples_(std::move(samples)),
      batch_size_(std::min(batch_size, static_cast<std::int64_t>(samples_.size()))),
      gatherer_(std::move(dataset), batch_size_) {}

metrics::Evaluation Evaluator::evaluate(metrics::Evaluation::Set set, std::int64_t epoch) {
  const torch::NoGradGuard no_gradients;
  network_->eval();
  const auto total = static_cast<std::int64_t>(samples_.size());
  const std::int64_t batches = (total + batch_size_ - 1) / batch_size_;

  // Per batch its mean loss and correct count; a rank fills in its own batches, and adding the
  // others' zeros changes no bit. Doubles count exactly up to 2^53.
  std::vector<double> results(static_cast<std::size_t>(2 * batches), 0.0);
  for (std::int64_t b = communicator_.rank(); b < batches; b += communicator_.size()) {
    const std::int64_t count = std::min(batch_size_, total - b * batch_size_);
    const auto batch = gatherer_.gather(std::span(samples_).subspan(
        static_cast<std::size_t>(b * batch_size_), static_cast<std::size_t>(count)));
    const auto logits = network_->forward(batch.images);
    const auto loss = model::loss_sum(loss_, logits, batch.labels).item<double>();
    const auto correct = logits.argmax(1).eq(batch.labels).sum().item<std::int64_t>();
    results[static_cast<std::size_t>(2 * b)] = loss / static_cast<double>(count);
    results[static_cast<std::size_t>(2 * b + 1)] = static_cast<double>(correct);
  }
  communicator_.all_reduce(std::span<double>(results)).wait();

  metrics::Evaluation evaluation{.set = set, .epoch = epoch, .samples = total};
  for (std::size_t b = 0; b < results.size(); b += 2) {
    evaluation.average_loss += results[b];
    evaluation.correct += static_cast<std::int64_t>(results[b + 1]);
  }
  evaluation.average_loss /= static_cast<double>(batches);
  return evaluation;
}

}  // namespace lockstep::train

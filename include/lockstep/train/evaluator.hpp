// The tutorial's test loop, shared among ranks.
#pragma once

#include <cstdint>
#include <vector>

#include <torch/torch.h>

#include <lockstep/comm/communicator.hpp>
#include <lockstep/data/batch_gatherer.hpp>
#include <lockstep/metrics/events.hpp>
#include <lockstep/model/loss.hpp>
#include <lockstep/model/neural_network.hpp>

namespace lockstep::train {

/// The likeliest class of an image, and its probability by softmax.
struct Prediction {
  std::int64_t label = 0;
  std::int64_t predicted = 0;
  double confidence = 0;
};

/// Accuracy and average loss over a set of samples. Whole batches go to ranks, none twice, and
/// their losses are summed in batch order: the figures do not depend on the number of ranks.
class Evaluator {
 public:
  /// `samples`: indices into `dataset`, which lies on the model's device.
  Evaluator(model::NeuralNetwork network, model::Loss loss, comm::Communicator& communicator,
            data::ImageDataset dataset, std::vector<std::int64_t> samples, std::int64_t batch_size);

  /// Collective; every rank returns the same figures. Leaves the network in evaluation mode.
  [[nodiscard]] metrics::Evaluation evaluate(metrics::Evaluation::Set set, std::int64_t epoch);

  /// Collective. Of every sample, in their order and the same on all ranks. Leaves the network in
  /// evaluation mode.
  [[nodiscard]] std::vector<Prediction> predict();

 private:
  /// Consecutive samples, by number.
  [[nodiscard]] data::SampleRange samples_of(std::int64_t batch) const;
  [[nodiscard]] std::int64_t batches() const;
  /// Collective. `fill` writes what each of this rank's batches gives into a table of zeros,
  /// [rows, columns] float64; returns the sum over ranks, row by row.
  template <typename Fill>
  [[nodiscard]] std::vector<double> collect(std::int64_t rows, std::int64_t columns, Fill fill);

  model::NeuralNetwork network_;
  model::Loss loss_;
  comm::Communicator& communicator_;
  std::vector<std::int64_t> samples_;
  std::int64_t batch_size_;
  torch::Device device_;
  data::BatchGatherer gatherer_;
};

}  // namespace lockstep::train

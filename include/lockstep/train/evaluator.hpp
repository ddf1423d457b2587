// The tutorial's test loop, shared among ranks.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include <torch/torch.h>

#include <lockstep/comm/communicator.hpp>
#include <lockstep/data/batch_gatherer.hpp>
#include <lockstep/metrics/events.hpp>
#include <lockstep/model/loss.hpp>
#include <lockstep/model/network.hpp>

namespace lockstep::train {

/// The most likely class of an image, and its probability by softmax.
struct Prediction {
  std::int64_t label = 0;
  std::int64_t predicted = 0;
  double confidence = 0;
};

/// Average loss over a set of samples, and accuracy where their targets are classes. Whole batches
/// go to ranks, none twice, and their losses are summed in batch order: the figures do not depend
/// on the number of ranks.
class Evaluator {
 public:
  /// `samples`: indices into `dataset`, which lies on the model's device.
  Evaluator(model::NetworkPtr network, model::LossFunction loss, comm::Communicator& communicator,
            data::Dataset dataset, std::vector<std::int64_t> samples, std::int64_t batch_size);

  /// Whether this rank wants to stop; asked repeatedly, by the thread that evaluates.
  using StopWish = std::function<bool()>;

  /// Collective; every rank returns the same result. Leaves the network in evaluation mode.
  [[nodiscard]] metrics::Evaluation evaluate(metrics::Evaluation::Set set, std::int64_t epoch);
  /// The same, but returns nothing, on all ranks, if one of them wants to stop before the end.
  [[nodiscard]] std::optional<metrics::Evaluation> evaluate(metrics::Evaluation::Set set,
                                                            std::int64_t epoch,
                                                            const StopWish& wants_to_stop);

  /// Collective; for targets that are classes. Of every sample, in their order and the same on all
  /// ranks; nothing, on all ranks, if one of them wants to stop before the end. Leaves the network
  /// in evaluation mode.
  [[nodiscard]] std::optional<std::vector<Prediction>> predict(const StopWish& wants_to_stop);

 private:
  /// The consecutive samples of a batch, by number.
  [[nodiscard]] data::SampleRange samples_of(std::int64_t batch) const;
  [[nodiscard]] std::int64_t batches() const;
  /// Collective. `fill` writes the results of each of this rank's batches into a table of zeros,
  /// [rows, columns] float64. Returns the sum over ranks, row by row, or nothing if a rank wants to
  /// stop.
  template <typename Fill>
  [[nodiscard]] std::optional<std::vector<double>> collect(std::int64_t rows, std::int64_t columns,
                                                           const StopWish& wants_to_stop,
                                                           Fill fill);
  /// Collective if there are several ranks.
  [[nodiscard]] bool agree_to_stop(bool mine);

  model::NetworkPtr network_;
  model::LossFunction loss_;
  comm::Communicator& communicator_;
  std::vector<std::int64_t> samples_;
  std::int64_t batch_size_;
  torch::Device device_;
  bool classifies_;  // the targets are classes
  data::BatchGatherer gatherer_;
};

}  // namespace lockstep::train

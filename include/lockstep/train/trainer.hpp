// The training loop.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include <nlohmann/json.hpp>

#include <lockstep/data/distributed_sampler.hpp>
#include <lockstep/data/validation_split.hpp>
#include <lockstep/metrics/events.hpp>
#include <lockstep/train/checkpoint_writer.hpp>
#include <lockstep/train/epoch_plan.hpp>
#include <lockstep/train/evaluator.hpp>
#include <lockstep/train/options.hpp>
#include <lockstep/train/run_position.hpp>
#include <lockstep/train/step_engine.hpp>
#include <lockstep/train/step_reports.hpp>

namespace lockstep::train {

/// Where a run's state is kept.
struct CheckpointOutput {
  CheckpointWriter* writer = nullptr;  ///< null: this rank does not write
  nlohmann::ordered_json settings{};   ///< to keep with it
  model::SafetensorsMetadata metadata{};
};

/// How a run ended, on every rank.
struct TrainResult {
  RunPosition position{};
  double seconds = 0;
  bool stopped = false;  ///< before the end, because a rank asked for it
  bool early = false;    ///< at its end, which the evaluations brought about
  std::optional<metrics::Evaluation> last_test{};
  metrics::SlowestRank slowest{};  ///< of the last epoch
};

/// The tutorial's loop with synchronous data parallelism: every rank computes the gradients of its
/// share of each global batch, gradients are summed over ranks, and every rank takes the same step.
/// All ranks construct and run one together, each from one thread.
class Trainer {
 public:
  /// Collective: the gradients' communicator provides memory for them.
  Trainer(const TrainOptions& options, const BatchSizes& sizes, TrainerParts parts);

  /// Continues from the checkpoint instead of from the start; call before `run`, with the same one
  /// on every rank. Throws DataError if it is of another model or optimizer.
  void restore(const Checkpoint& checkpoint);

  /// Trains to the end and reports to `events`, which should do nothing except on rank 0. Saves
  /// checkpoints to `output` as the options say, after the last step, and when it is stopped; an
  /// epoch's is written while the test loop runs. A loss or weight that is not finite, or replicas
  /// that differ, end all ranks: AgreedError.
  [[nodiscard]] TrainResult run(metrics::EventSink& events, CheckpointOutput output = {});

  /// Collective. How the network classifies the test images; nothing, on all ranks, if one of them
  /// was asked to stop meanwhile.
  [[nodiscard]] std::optional<std::vector<Prediction>> predict_test() {
    return test_.predict([this] { return parts_.stop.wanted(); });
  }

  /// Calls `use` while the network has the moving average of its weights; does nothing if none was
  /// asked for. Call after the first step; what `use` throws ends the training.
  void with_averaged_weights(const std::function<void()>& use);

  [[nodiscard]] std::int64_t steps_per_epoch() const;
  /// Whether the current epoch has no step left to take.
  [[nodiscard]] bool epoch_is_trained() const;
  /// Steps of the whole run.
  [[nodiscard]] std::int64_t total_steps() const;

 private:
  using Clock = std::chrono::steady_clock;

  void show(watch::Phase phase) const;
  [[nodiscard]] metrics::SinkNeeds share_needs() const;
  void train_epoch();
  void train_step(std::int64_t step_of_epoch);
  void close_steps(std::size_t stay_open);
  void report(const StepOutcome& outcome);
  void end_epoch(Clock::time_point start, std::int64_t samples_before);
  void save_if_due_after_epoch();
  void evaluate_if_due();
  [[nodiscard]] bool evaluate_sets(bool of_average);
  [[nodiscard]] bool evaluate(Evaluator& evaluator, metrics::Evaluation::Set set, bool of_average);
  void select(const metrics::Evaluation& evaluation);
  void keep_as_best();
  void check_weights() const;
  void check_and_save_if_due();
  void save();
  void tell_of_checkpoints(const std::vector<metrics::CheckpointEvent>& events);

  TrainOptions options_;
  BatchSizes sizes_;
  TrainerParts parts_;
  data::ValidationSplit split_;
  data::DistributedSampler sampler_;
  StepEngine engine_;
  Evaluator test_;
  std::optional<Evaluator> validation_;

  metrics::EventSink* events_ = nullptr;  // of the current run
  metrics::SinkNeeds needs_;              // of its sinks
  CheckpointOutput output_;               // of the current run
  TrainResult progress_;
  std::int64_t saved_steps_ = -1;  // in the latest checkpoint
  StepReports reports_;
  bool stop_wanted_ = false;
};

}  // namespace lockstep::train

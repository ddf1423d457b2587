// The training loop.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>
#include <torch/torch.h>

#include <lockstep/comm/communicator.hpp>
#include <lockstep/comm/progress_board.hpp>
#include <lockstep/data/batch_gatherer.hpp>
#include <lockstep/data/distributed_sampler.hpp>
#include <lockstep/data/validation_split.hpp>
#include <lockstep/metrics/events.hpp>
#include <lockstep/metrics/step_timer.hpp>
#include <lockstep/model/neural_network.hpp>
#include <lockstep/runtime/compute_stream.hpp>
#include <lockstep/runtime/rank_layout.hpp>
#include <lockstep/runtime/stop_request.hpp>
#include <lockstep/sync/gradient_reducer.hpp>
#include <lockstep/train/batch_sizes.hpp>
#include <lockstep/train/checkpoint_writer.hpp>
#include <lockstep/train/epoch_plan.hpp>
#include <lockstep/train/evaluator.hpp>
#include <lockstep/train/flat_optimizer.hpp>
#include <lockstep/train/options.hpp>
#include <lockstep/train/replica.hpp>
#include <lockstep/train/run_position.hpp>
#include <lockstep/train/step_reports.hpp>
#include <lockstep/train/step_trace.hpp>

namespace lockstep::train {

/// What a Trainer works with, on every rank. Everything referred to must outlive it.
struct TrainerParts {
  model::NeuralNetwork network;     ///< on the device, with the same weights on every rank
  data::ImageDataset train;         ///< on the device
  data::ImageDataset test;          ///< on the device
  comm::Communicator& control;      ///< for evaluation and agreement
  comm::Communicator& gradients;    ///< for gradients; may overlap with computation
  runtime::ComputeStream& compute;  ///< on which the network runs
  const runtime::RankLayout& layout;
  const runtime::StopRequest& stop;
  comm::ProgressBoard* board = nullptr;  ///< where this rank shows what it is doing; null: nowhere
};

/// Where a run's state is kept.
struct CheckpointOutput {
  CheckpointWriter* writer = nullptr;  ///< null: this rank does not write
  nlohmann::ordered_json settings{};   ///< to be kept with it
};

/// How a run ended, on every rank.
struct TrainResult {
  RunPosition position{};
  double seconds = 0;
  bool stopped = false;  ///< at a rank's wish, before its end
  std::optional<metrics::Evaluation> last_test{};
  metrics::SlowestRank slowest{};  ///< of the last epoch
};

/// The tutorial's loop with synchronous data parallelism: every rank computes the gradients of its
/// share of each global batch, gradients are summed over ranks, every rank takes the same step.
/// All ranks construct and run one together; one thread each.
class Trainer {
 public:
  /// Collective: the gradients' communicator provides memory for them.
  Trainer(const TrainOptions& options, const BatchSizes& sizes, TrainerParts parts);

  /// Goes on from there instead of from the start; before `run`. The same on every rank. Throws
  /// DataError if the checkpoint is of another model or optimizer.
  void restore(const Checkpoint& checkpoint);

  /// Trains to the end and tells `events`, which should do nothing but on rank 0. Saves checkpoints
  /// to `output` as the options say, at the end, and when it is stopped. A loss or weight
  /// that is not finite, and replicas that come apart, end all ranks: AgreedError.
  [[nodiscard]] TrainResult run(metrics::EventSink& events, CheckpointOutput output = {});

  /// Collective. What the network takes the test images for.
  [[nodiscard]] std::vector<Prediction> predict_test() { return test_.predict(); }

  [[nodiscard]] std::int64_t steps_per_epoch() const;
  /// Of the whole run.
  [[nodiscard]] std::int64_t total_steps() const;

 private:
  using Clock = std::chrono::steady_clock;

  /// A step whose totals are not known yet: a GPU may still be at it.
  struct OpenStep {
    std::int64_t step;
    std::int64_t expected_samples;
    double learning_rate;
    bool logged;
    torch::Tensor own_loss;       ///< this rank's part of it; undefined if it had no samples
    torch::Tensor gradient_norm;  ///< while gradient_norms_ copies it; undefined if it does not
  };

  void show(comm::Phase phase) const;
  void train_epoch();
  void train_step(const EpochPlan& plan, std::int64_t step_of_epoch);
  [[nodiscard]] torch::Tensor sum_gradients(const EpochPlan& plan, std::int64_t step_of_epoch);
  [[nodiscard]] torch::Tensor compute_gradients(const EpochPlan& plan, std::int64_t step_of_epoch);
  [[nodiscard]] torch::Tensor compute_shard(const EpochPlan& plan, std::int64_t step_of_epoch,
                                            std::size_t shard);
  [[nodiscard]] sync::StepTotals take_totals();
  void close_steps(std::size_t stay_open);
  void check_totals(const sync::StepTotals& totals, const OpenStep& step) const;
  [[noreturn]] void fail_for_loss(const OpenStep& step) const;
  [[nodiscard]] torch::Tensor measure_gradient_norm(bool logged);
  void report(const OpenStep& step, double loss);
  void end_epoch(Clock::time_point start, std::int64_t samples_before);
  void evaluate();
  void check_weights() const;
  void do_what_is_due();
  void save();
  void tell_of_checkpoint(const std::optional<metrics::CheckpointEvent>& event);

  TrainOptions options_;
  BatchSizes sizes_;
  TrainerParts parts_;
  data::ValidationSplit split_;
  data::DistributedSampler sampler_;
  data::BatchGatherer gatherer_;
  sync::GradientReducer reducer_;
  FlatOptimizer optimizer_;
  Replica replica_;
  Evaluator test_;
  std::optional<Evaluator> validation_;
  metrics::StepTimer timer_;
  StepTrace trace_;
  std::unique_ptr<runtime::ReadBack> gradient_norms_;  // of logged steps; null: of none

  metrics::EventSink* events_ = nullptr;  // of the current run
  CheckpointOutput output_;               // of the current run
  TrainResult progress_;
  std::int64_t saved_steps_ = -1;  // in the latest checkpoint
  std::deque<OpenStep> open_steps_;
  StepReports reports_;
  bool stop_wanted_ = false;
};

}  // namespace lockstep::train

// One optimizer step of all ranks: gather, forward, backward, reduce, update.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include <torch/torch.h>

#include <lockstep/comm/communicator.hpp>
#include <lockstep/data/batch_gatherer.hpp>
#include <lockstep/metrics/events.hpp>
#include <lockstep/metrics/step_timer.hpp>
#include <lockstep/model/loss.hpp>
#include <lockstep/model/network.hpp>
#include <lockstep/runtime/compute_stream.hpp>
#include <lockstep/runtime/rank_layout.hpp>
#include <lockstep/runtime/stop_request.hpp>
#include <lockstep/sync/buffer_moves.hpp>
#include <lockstep/sync/gradient_reducer.hpp>
#include <lockstep/train/batch_sizes.hpp>
#include <lockstep/train/epoch_plan.hpp>
#include <lockstep/train/flat_optimizer.hpp>
#include <lockstep/train/options.hpp>
#include <lockstep/train/replica.hpp>
#include <lockstep/train/step_trace.hpp>
#include <lockstep/watch/progress_board.hpp>

namespace lockstep::train {

/// What training works with on every rank. Everything referred to must outlive it.
struct TrainerParts {
  model::NetworkPtr network;        ///< on the device, with the same weights on every rank
  model::LossFunction loss;         ///< of the network's outputs
  data::Dataset train;              ///< on the device
  data::Dataset test;               ///< on the device
  comm::Communicator& control;      ///< for evaluation and agreement
  comm::Communicator& gradients;    ///< for gradients; may overlap with computation
  runtime::ComputeStream& compute;  ///< on which the network runs
  const runtime::RankLayout& layout;
  const runtime::StopSource& stop;        ///< checked before each forward pass
  watch::ProgressBoard* board = nullptr;  ///< where this rank shows what it is doing; null: nowhere
};

/// A step to take.
struct StepRequest {
  std::int64_t epoch = 1;          ///< from 1
  std::int64_t step_of_epoch = 0;  ///< from 0
  std::int64_t step = 1;           ///< of the run, from 1
  double learning_rate = 0;
  bool logged = false;
};

/// The outcome of a step over all ranks; the same on each of them.
struct StepOutcome {
  StepRequest request;
  sync::StepTotals totals;
  std::optional<double> gradient_norm{};  ///< of logged steps, if wanted
};

/// Takes steps of one replica together with those of all other ranks. A GPU may still be computing
/// a step when the host goes on: its outcome is requested later, by all ranks at the same point.
/// One thread; all ranks construct and use one together.
class StepEngine {
 public:
  /// Collective: the gradients' communicator provides memory for them. `largest_batch`: samples in
  /// a forward pass. `parts` must outlive it.
  StepEngine(const TrainOptions& options, const BatchSizes& sizes, const TrainerParts& parts,
             std::int64_t largest_batch);

  /// Prepares for what rank 0's sinks need. `needs` must be the same on all ranks, so that their
  /// devices get the same calls. Call before the first step.
  void prepare(const metrics::SinkNeeds& needs);

  /// The steps that follow belong to this epoch; `plan` must outlive them.
  void begin_epoch(const EpochPlan& plan);

  /// Collective. Takes a step, except for its outcome and its end.
  void take(const StepRequest& request);
  /// Returns the outcomes of all steps but the last `stay_open`, oldest first. Throws AgreedError
  /// on all ranks if a loss is not finite, or if the ranks trained other samples than planned.
  [[nodiscard]] std::vector<StepOutcome> close(std::size_t stay_open);
  /// How many steps should stay open after a step, so that the device never runs dry.
  [[nodiscard]] std::size_t steps_kept_open() const { return parts_.compute.runs_ahead() ? 1 : 0; }
  /// Ends the time of the step.
  void end_step(std::int64_t step, metrics::EventSink& events);

  [[nodiscard]] bool weights_are_finite() const;
  /// The average of the weights; null if none was asked for.
  [[nodiscard]] WeightAverage* average() { return optimizer_.average(); }
  [[nodiscard]] metrics::Histograms histograms(std::int64_t step) const;
  [[nodiscard]] Replica& replica() { return replica_; }
  [[nodiscard]] metrics::StepTimer& timer() { return timer_; }
  [[nodiscard]] StepTrace& trace() { return trace_; }

 private:
  /// A step whose totals are not known yet.
  struct OpenStep {
    StepRequest request;
    std::int64_t expected_samples = 0;
    torch::Tensor own_loss{};       ///< this rank's part of it; undefined if it had no samples
    torch::Tensor gradient_norm{};  ///< while it is being read back; otherwise undefined
  };

  void show(watch::Phase phase, const StepRequest& request) const;
  void prefetch(std::int64_t step_of_epoch) const;
  [[nodiscard]] torch::Tensor sum_gradients(const StepRequest& request);
  void seed_generators(const StepRequest& request, std::size_t shard, std::size_t batch) const;
  [[nodiscard]] torch::Tensor compute_shard(const StepRequest& request, std::size_t shard);
  [[nodiscard]] torch::Tensor measure_gradient_norm(bool logged);
  [[nodiscard]] sync::StepTotals take_totals();
  void check_totals(const sync::StepTotals& totals, const OpenStep& step) const;
  [[noreturn]] void fail_for_loss(const OpenStep& step) const;

  const TrainerParts& parts_;
  std::uint64_t seed_;  // of the run
  data::BatchGatherer gatherer_;
  sync::BufferMoves buffers_;
  sync::GradientReducer reducer_;
  FlatOptimizer optimizer_;
  Replica replica_;
  metrics::StepTimer timer_;
  StepTrace trace_;
  std::unique_ptr<runtime::ReadBack> gradient_norms_;  // of logged steps; null: of none
  const EpochPlan* plan_ = nullptr;                    // of the epoch under way
  std::deque<OpenStep> open_steps_;
};

}  // namespace lockstep::train

// Summing gradients over ranks while backward still runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <torch/torch.h>

#include <lockstep/comm/communicator.hpp>
#include <lockstep/runtime/compute_stream.hpp>
#include <lockstep/sync/bucket_plan.hpp>
#include <lockstep/sync/shard_tree.hpp>
#include <lockstep/watch/progress_board.hpp>

namespace lockstep::sync {

/// Samples of a step are counted in float32, which is exact up to here.
inline constexpr std::int64_t kMaxSamplesAStep = (std::int64_t{1} << 24U) - 1;

/// One shard's part of a step; travels in the tail of the last bucket.
struct StepContribution {
  torch::Tensor loss_sum{};  ///< scalar float32: Σ of its samples' losses; undefined: 0
  std::int64_t samples = 0;  ///< at most kMaxSamplesAStep over all ranks
  bool wants_to_stop = false;
  torch::Tensor extra{};  ///< float32 [extra elements], on the device; undefined: zeros
};

/// The same over all ranks; equal on every rank.
struct StepTotals {
  double loss_sum = 0;
  std::int64_t samples = 0;
  bool stop = false;  ///< at least one rank wants to stop
};

/// The times of one step on this rank, as its host saw them.
struct StepSeconds {
  double communication = 0;  ///< spent in collectives
  double exposed = 0;        ///< the part that computation waited for
  comm::OperationTime wait;  ///< after backward, for the last buckets
};

/// Keeps the gradients of a module's parameters as views of one flat buffer, cut into buckets, and
/// all-reduces each bucket as soon as backward has filled it, always in the plan's order.
///
/// A step, on every rank:
///   reducer.begin_step();
///   … backward of all micro-batches but the last …
///   reducer.expect_last_backward(contribution);   // also without samples: then no backward
///   … backward of the last micro-batch …
///   (reducer.next_shard(), and the same for each further shard of this rank)
///   reducer.finish_step();             // gradients are summed, for what is computed from here on
///   totals = reducer.take_totals();    // now, or at the end of the next step
/// The caller scales losses so that the sum over all ranks is the gradient it wants. A rank with
/// several shards computes the gradients of each shard separately and adds them up with a
/// ShardTree.
///
/// Parameters also become views of one flat buffer, so that an optimizer can treat the model as one
/// tensor. Parameters must be float32, on one device, require gradients, and outlive the reducer;
/// otherwise it throws UsageError. `begin_step` takes the place of zero_grad, and attaches
/// gradients that were set to none; setting one to none between it and a backward pass makes that
/// pass throw UsageError. One thread. Destruction, which must not come inside a step, removes the
/// hooks and the gradients. Construction is collective: the communicator provides the buckets'
/// memory, and each bucket is all-reduced once, since connections form at first use. The caller's
/// `extra_elements` are summed with the last bucket.
class GradientReducer {
 public:
  GradientReducer(const std::vector<torch::Tensor>& parameters, comm::Communicator& communicator,
                  runtime::ComputeStream& compute, const BucketLimits& limits,
                  std::int64_t shards = 1, std::int64_t extra_elements = 0);
  ~GradientReducer();
  GradientReducer(const GradientReducer&) = delete;
  GradientReducer& operator=(const GradientReducer&) = delete;
  GradientReducer(GradientReducer&&) = delete;
  GradientReducer& operator=(GradientReducer&&) = delete;

  /// `gradients_are_zero`: nothing of the previous step is left to clear.
  void begin_step(bool gradients_are_zero = false);
  void expect_last_backward(const StepContribution& contribution);
  void next_shard();
  StepSeconds finish_step();
  /// The totals of the oldest finished step that have not been taken; those of two may wait. Blocks
  /// until that step's all-reduce is done.
  [[nodiscard]] StepTotals take_totals();

  /// After `finish_step`, for what is computed from here on: the sum over all shards of their
  /// `extra`, and of their samples (a scalar); both float32 on the device.
  [[nodiscard]] torch::Tensor summed_extra() const;
  [[nodiscard]] torch::Tensor summed_samples() const;

  /// When each bucket's all-reduce of the last finished step ran, in the plan's order.
  [[nodiscard]] const std::vector<comm::OperationTime>& bucket_times() const {
    return bucket_times_;
  }

  /// From now on `board`, unless null, shows which bucket an all-reduce is for.
  void show_buckets(watch::ProgressBoard* board) { board_ = board; }

  /// All parameters, and all their gradients, as one tensor each: float32 [elements].
  [[nodiscard]] const torch::Tensor& flat_parameters() const { return flat_parameters_; }
  [[nodiscard]] const torch::Tensor& flat_gradients() const { return flat_gradients_; }

  /// Views of `flat`, a tensor on any device that is laid out as those: each parameter's part, in
  /// its shape, by registration index.
  [[nodiscard]] std::vector<torch::Tensor> views_of(const torch::Tensor& flat) const;

 private:
  class ReadyHook;
  struct Accumulator;

  void flatten(const std::vector<torch::Tensor>& parameters);
  void attach_gradients();
  void install_hooks(const std::vector<torch::Tensor>& parameters);
  void warm_up();
  void gradient_is_ready(std::size_t bucket, std::size_t parameter);
  void launch_next_bucket();

  comm::Communicator& communicator_;
  watch::ProgressBoard* board_ = nullptr;
  runtime::ComputeStream& compute_;
  BucketPlan plan_;
  std::vector<torch::Tensor> parameters_;
  torch::Tensor flat_parameters_;
  torch::Tensor buffer_;                  // gradients, then the tail's scalars
  torch::Tensor flat_gradients_;          // the gradients' part of buffer_
  std::vector<torch::Tensor> gradients_;  // views of it, by registration index
  torch::Tensor tail_;                    // the scalars' and extras' part of buffer_
  std::int64_t extra_elements_;
  std::vector<std::unique_ptr<Accumulator>> accumulators_;
  std::int64_t shards_;            // of this rank in each step
  std::optional<ShardTree> tree_;  // over them, if there are several

  std::mutex hook_;               // LibTorch may run the hooks of one GPU backward in two threads
  std::int64_t shards_left_ = 1;  // of the current step, including the present one
  bool last_backward_ = false;    // of the last shard
  std::vector<std::size_t> missing_;  // gradients that each bucket still waits for
  std::size_t next_bucket_ = 0;       // the first that has not been launched
  std::vector<comm::Completion> in_flight_;
  std::vector<comm::OperationTime> bucket_times_;
  double exposed_seconds_ = 0;
  std::unique_ptr<runtime::ReadBack> totals_;  // tails of finished steps
};

}  // namespace lockstep::sync

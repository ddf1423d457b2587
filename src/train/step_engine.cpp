#include <xxhash.h>

#include <array>
#include <cmath>
#include <string>

#include <fmt/format.h>

#include <lockstep/comm/agreement.hpp>
#include <lockstep/comm/gather.hpp>
#include <lockstep/sync/tensor_memory.hpp>
#include <lockstep/train/step_engine.hpp>
#include <lockstep/train/tensor_histograms.hpp>

#include "divergence.hpp"

namespace lockstep::train {
namespace {

using Phase = metrics::StepTimer::Phase;

constexpr std::int64_t kStepsReadAhead = 4;
constexpr double kBytesPerMebibyte = 1024.0 * 1024.0;

sync::BucketLimits bucket_limits(const DistributionOptions& options, bool overlaps) {
  // Without overlap, cutting the gradients up only adds latency.
  if (!overlaps) return {};
  return {static_cast<std::int64_t>(options.first_bucket_mb * kBytesPerMebibyte),
          static_cast<std::int64_t>(options.bucket_mb * kBytesPerMebibyte)};
}

}  // namespace

StepEngine::StepEngine(const TrainOptions& options, const BatchSizes& sizes,
                       const TrainerParts& parts, std::int64_t largest_batch)
    : parts_(parts),
      seed_(options.sampling.seed),
      gatherer_(parts.train, largest_batch, options.data.augmentation,
                data_seed_of(options.sampling)),
      buffers_(*parts.network, sizes.shards()),
      reducer_(parts.network->parameters(), parts.gradients, parts.compute,
               bucket_limits(options.distribution, parts.gradients.overlaps()),
               sizes.shards_per_rank, buffers_.elements()),
      optimizer_(options.optimization, reducer_.flat_parameters(), reducer_.flat_gradients()),
      replica_(parts.network, reducer_, optimizer_),
      trace_(options.output, timer_, parts.control, parts.layout) {
  reducer_.show_buckets(parts.board);
}

void StepEngine::prepare(const metrics::SinkNeeds& needs) {
  constexpr std::size_t kMaxOpenSteps = 2;
  if (needs.gradient_norm) gradient_norms_ = parts_.compute.make_read_back(1, kMaxOpenSteps);
  if (needs.histogram_every > 0) optimizer_.keep_gradients();
}

void StepEngine::begin_epoch(const EpochPlan& plan) {
  parts_.network->train();
  timer_.reset();
  plan_ = &plan;
  gatherer_.set_order(plan.order(), plan.epoch());
}

/// Starts reading what a step will gather, if the data are not in memory.
void StepEngine::prefetch(std::int64_t step_of_epoch) const {
  if (!parts_.train.inputs_are_mapped || step_of_epoch >= plan_->steps()) return;
  for (std::size_t shard = 0; shard < plan_->shards(); ++shard) {
    for (const auto& batch : plan_->micro_batches(step_of_epoch, shard)) gatherer_.prefetch(batch);
  }
}

void StepEngine::show(watch::Phase phase, const StepRequest& request) const {
  if (parts_.board == nullptr) return;
  parts_.board->set_phase(phase);
  parts_.board->set_position(request.epoch, request.step);
}

void StepEngine::take(const StepRequest& request) {
  trace_.begin_step(request.step);
  timer_.begin_step();
  prefetch(request.step_of_epoch + kStepsReadAhead);
  const auto own_loss = sum_gradients(request);
  open_steps_.push_back({.request = request,
                         .expected_samples = plan_->global_samples(request.step_of_epoch),
                         .own_loss = own_loss,
                         .gradient_norm = measure_gradient_norm(request.logged)});
  parts_.compute.access(
      {sync::memory_of(reducer_.flat_gradients())},
      {sync::memory_of(reducer_.flat_gradients()), sync::memory_of(reducer_.flat_parameters())});
  show(watch::Phase::kOptimizer, request);
  optimizer_.step(request.learning_rate);
  timer_.end_phase(Phase::kOptimizer);
}

/// Returns the sum of the losses of all of this rank's samples, if it has any.
torch::Tensor StepEngine::sum_gradients(const StepRequest& request) {
  reducer_.begin_step(optimizer_.clears_gradients());  // before the first step too: all zero
  buffers_.begin_step();
  parts_.compute.access({sync::memory_of(reducer_.flat_parameters())}, {});
  auto own_loss = compute_shard(request, 0);
  for (std::size_t shard = 1; shard < plan_->shards(); ++shard) {
    reducer_.next_shard();
    timer_.end_phase(Phase::kBackward);
    const auto loss = compute_shard(request, shard);
    if (loss.defined()) own_loss = own_loss.defined() ? own_loss + loss : loss;
  }
  const auto seconds = reducer_.finish_step();
  timer_.end_phase(Phase::kBackward, seconds.exposed);
  timer_.add_communication(seconds.communication, seconds.exposed);
  trace_.add_communication(seconds, reducer_.bucket_times());
  if (buffers_.elements() > 0) {
    parts_.compute.access({sync::memory_of(reducer_.summed_extra())}, {});
    buffers_.apply(reducer_.summed_extra(), reducer_.summed_samples());
  }
  return own_loss;
}

/// For networks that draw random numbers: what they draw depends only on the run's seed and the
/// position of the forward pass in the run.
void StepEngine::seed_generators(const StepRequest& request, std::size_t shard,
                                 std::size_t batch) const {
  if (!parts_.network->draws_random_numbers()) return;
  const std::array<std::uint64_t, 4> place = {
      seed_, static_cast<std::uint64_t>(request.step),
      static_cast<std::uint64_t>(plan_->shard_number(shard)), batch};
  torch::manual_seed(XXH3_64bits(place.data(), sizeof(place)));
}

torch::Tensor StepEngine::compute_shard(const StepRequest& request, std::size_t shard) {
  const auto batches = plan_->micro_batches(request.step_of_epoch, shard);
  const double scale = 1.0 / static_cast<double>(plan_->global_samples(request.step_of_epoch));
  sync::StepContribution mine{.wants_to_stop = parts_.stop.wanted()};
  buffers_.begin_shard();
  for (std::size_t i = 0; i < batches.size(); ++i) {
    show(watch::Phase::kData, request);
    const auto batch = gatherer_.gather(batches[i]);
    timer_.end_phase(Phase::kData);
    show(watch::Phase::kForward, request);
    seed_generators(request, shard, i);
    const auto loss = parts_.loss(parts_.network->forward(batch.inputs), batch.targets);
    mine.samples += batches[i].count;
    mine.loss_sum = mine.loss_sum.defined() ? mine.loss_sum + loss.detach() : loss.detach();
    timer_.end_phase(Phase::kForward);
    const bool last = i + 1 == batches.size();
    if (last) {
      mine.extra = buffers_.of_shard(mine.samples, shard == 0 && parts_.control.rank() == 0);
      reducer_.expect_last_backward(mine);
    }
    show(watch::Phase::kBackward, request);
    (loss * scale).backward();
    if (!last) timer_.end_phase(Phase::kBackward);
  }
  if (batches.empty()) reducer_.expect_last_backward(mine);
  return mine.loss_sum;
}

/// The norm of the summed gradient, on its way to the host; undefined if nobody wants it.
torch::Tensor StepEngine::measure_gradient_norm(bool logged) {
  if (!logged || gradient_norms_ == nullptr) return {};
  const torch::NoGradGuard no_gradients;
  parts_.compute.access({sync::memory_of(reducer_.flat_gradients())}, {});
  auto norm = reducer_.flat_gradients().norm();
  gradient_norms_->start(sync::floats_of(norm));
  return norm;
}

std::vector<StepOutcome> StepEngine::close(std::size_t stay_open) {
  std::vector<StepOutcome> outcomes;
  while (open_steps_.size() > stay_open) {
    const auto step = open_steps_.front();
    open_steps_.pop_front();
    const auto totals = take_totals();
    check_totals(totals, step);
    outcomes.push_back({.request = step.request, .totals = totals});
    if (step.gradient_norm.defined()) {
      outcomes.back().gradient_norm = gradient_norms_->take().front();
    }
  }
  return outcomes;
}

/// On a GPU, the host waits here for the work that all ranks have started on theirs.
sync::StepTotals StepEngine::take_totals() {
  if (parts_.board == nullptr || !parts_.compute.runs_ahead()) return reducer_.take_totals();
  const watch::WaitScope waiting(parts_.board, parts_.board->gpu_wait(comm::Channel::kGradients));
  return reducer_.take_totals();
}

// Every rank has the same totals and weights, so whatever one rank finds here, all find.
void StepEngine::check_totals(const sync::StepTotals& totals, const OpenStep& step) const {
  if (totals.samples != step.expected_samples) {
    comm::fail_together(
        parts_.control,
        fmt::format(
            "epoch {}, step {}: the ranks trained {} samples instead of {}: do all run the same "
            "version?",
            step.request.epoch, step.request.step, totals.samples, step.expected_samples));
  }
  if (!std::isfinite(totals.loss_sum)) fail_for_loss(step);
}

/// Collective: only the ranks themselves know whose samples it was.
void StepEngine::fail_for_loss(const OpenStep& step) const {
  const bool mine = step.own_loss.defined() && !std::isfinite(step.own_loss.item<double>());
  std::string where;
  const auto all = comm::gather_texts(
      parts_.control, mine ? fmt::format("in the batch of {}", parts_.layout.describe()) : "");
  for (const auto& text : all) {
    if (!text.empty()) where += (where.empty() ? " " : ", ") + text;
  }
  comm::fail_together(
      parts_.control,
      fmt::format("epoch {}, step {}: the loss is not finite{}: {}", step.request.epoch,
                  step.request.step, where.empty() ? " in the sum over ranks" : where,
                  kDivergenceRemedy),
      divergence_settings());
}

void StepEngine::end_step(std::int64_t step, metrics::EventSink& events) {
  timer_.end_step();
  trace_.end_step(step, events);
}

bool StepEngine::weights_are_finite() const {
  return std::isfinite(reducer_.flat_parameters().sum().item<double>());
}

metrics::Histograms StepEngine::histograms(std::int64_t step) const {
  return histograms_of(parts_.network, reducer_, step);
}

}  // namespace lockstep::train

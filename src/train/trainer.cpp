#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <lockstep/comm/agreement.hpp>
#include <lockstep/sync/tensor_memory.hpp>
#include <lockstep/train/learning_rate.hpp>
#include <lockstep/train/rank_times.hpp>
#include <lockstep/train/replica_check.hpp>
#include <lockstep/train/tensor_histograms.hpp>
#include <lockstep/train/trainer.hpp>

namespace lockstep::train {
namespace {

using Phase = metrics::StepTimer::Phase;

constexpr double kBytesPerMebibyte = 1024.0 * 1024.0;
constexpr const char* kDivergenceRemedy = "try a smaller --lr, --warmup-steps or --clip-grad-norm";

sync::BucketLimits bucket_limits(const DistributionOptions& options, bool overlaps) {
  // Without overlap, cutting the gradients up only adds latency.
  if (!overlaps) return {};
  return {static_cast<std::int64_t>(options.first_bucket_mb * kBytesPerMebibyte),
          static_cast<std::int64_t>(options.bucket_mb * kBytesPerMebibyte)};
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::uint64_t data_seed(const SamplingOptions& options) {
  return options.data_seed.value_or(options.seed);
}

}  // namespace

Trainer::Trainer(const TrainOptions& options, const BatchSizes& sizes, TrainerParts parts)
    : options_(options),
      sizes_(sizes),
      parts_(std::move(parts)),
      split_(data::split_for_validation(parts_.train.size(), options.data.validation_fraction,
                                        data_seed(options.sampling))),
      sampler_{.samples = static_cast<std::int64_t>(split_.train.size()),
               .replicas = sizes.shards(),
               .tail = options.sampling.tail,
               .shuffle = options.sampling.shuffle,
               .seed = data_seed(options.sampling)},
      gatherer_(parts_.train, std::min(sizes.micro, sampler_.count(0))),
      reducer_(parts_.network->parameters(), parts_.gradients, parts_.compute,
               bucket_limits(options.distribution, parts_.gradients.overlaps()),
               sizes.shards_per_rank),
      optimizer_(options.optimization, reducer_.flat_parameters(), reducer_.flat_gradients(),
                 options.output.histogram_every > 0 ? FlatOptimizer::AfterStep::kKeepGradients
                                                    : FlatOptimizer::AfterStep::kMayClearGradients),
      replica_(parts_.network, reducer_, optimizer_),
      test_(parts_.network, options.model.loss, parts_.control, parts_.test, parts_.test.indices(),
            options.output.test_batch_size),
      trace_(options.output, timer_, parts_.control, parts_.layout) {
  reducer_.show_buckets(parts_.board);
  // On all ranks, though rank 0 alone tells of it: their devices take the same calls.
  if (options_.output.tensorboard) {
    constexpr std::size_t kMostOpenSteps = 2;
    gradient_norms_ = parts_.compute.make_read_back(1, kMostOpenSteps);
  }
  if (!split_.validation.empty()) {
    validation_.emplace(parts_.network, options.model.loss, parts_.control, parts_.train,
                        split_.validation, options.output.test_batch_size);
  }
}

std::int64_t Trainer::steps_per_epoch() const {
  return EpochPlan::steps(sampler_, sizes_);
}

std::int64_t Trainer::total_steps() const {
  const std::int64_t all = options_.optimization.epochs * steps_per_epoch();
  const std::int64_t limit = options_.optimization.max_steps;
  return limit > 0 ? std::min(all, limit) : all;
}

void Trainer::show(comm::Phase phase) const {
  if (parts_.board == nullptr) return;
  parts_.board->set_phase(phase);
  parts_.board->set_position(progress_.position.epoch, progress_.position.steps + 1);
}

void Trainer::restore(const Checkpoint& checkpoint) {
  replica_.restore(checkpoint.tensors, checkpoint.position.steps);
  progress_.position = checkpoint.position;
  saved_steps_ = checkpoint.position.steps;
}

TrainResult Trainer::run(metrics::EventSink& events, CheckpointOutput output) {
  events_ = &events;
  output_ = std::move(output);
  auto& position = progress_.position;
  const auto start = Clock::now();
  bool last = position.steps >= total_steps() && position.step_of_epoch == 0;
  // A run that was ended between its last checkpoint and its end lacks only these figures.
  if (last)
    progress_.last_test = test_.evaluate(metrics::Evaluation::Set::kTest, position.epoch - 1);
  while (!last) {
    events_->on(metrics::EpochStart{.epoch = position.epoch});
    train_epoch();
    if (progress_.stopped) break;
    last = position.steps >= total_steps();
    if (last || position.epoch % options_.output.evaluate_every == 0) evaluate();
    if (position.step_of_epoch == steps_per_epoch()) {
      position = {.steps = position.steps, .epoch = position.epoch + 1};
      if (options_.output.checkpoint_every == 0) save();
    }
  }
  save();  // unless that is done
  trace_.finish(*events_);
  if (output_.writer != nullptr) tell_of_checkpoint(output_.writer->finish());
  progress_.seconds = seconds_since(start);
  return progress_;
}

void Trainer::train_epoch() {
  parts_.network->train();
  timer_.reset();
  auto& position = progress_.position;
  const EpochPlan plan(sampler_, sizes_, parts_.control.rank(), position.epoch - 1, split_.train);
  gatherer_.set_order(plan.order());
  const auto start = Clock::now();
  const std::int64_t samples_before = position.epoch_samples;
  reports_.begin_epoch(start, samples_before);
  while (position.step_of_epoch < plan.steps() && position.steps < total_steps()) {
    train_step(plan, position.step_of_epoch);
    reports_.tell(*events_);
    progress_.stopped = stop_wanted_ && position.steps < total_steps();
    if (progress_.stopped) break;
    do_what_is_due();
  }
  close_steps(0);
  reports_.tell(*events_);
  progress_.stopped = stop_wanted_ && position.steps < total_steps();
  if (!progress_.stopped) end_epoch(start, samples_before);
}

void Trainer::end_epoch(Clock::time_point start, std::int64_t samples_before) {
  const auto& position = progress_.position;
  const double seconds = seconds_since(start);
  const auto times = timer_.summary();
  progress_.slowest = find_slowest_rank(times, parts_.control, parts_.layout);
  events_->on(metrics::EpochEnd{
      .epoch = position.epoch,
      .step = position.steps,
      .train_loss = position.epoch_loss / static_cast<double>(position.epoch_samples),
      .seconds = seconds,
      .images_per_second = static_cast<double>(position.epoch_samples - samples_before) / seconds,
      .times = times,
      .series = timer_.series(),
      .slowest = progress_.slowest});
  const auto every = options_.output.histogram_every;
  if (every > 0 && position.epoch % every == 0 && parts_.control.rank() == 0) {
    events_->on(histograms_of(parts_.network, reducer_, position.steps));
  }
}

void Trainer::train_step(const EpochPlan& plan, std::int64_t step_of_epoch) {
  auto& position = progress_.position;
  const std::int64_t step = position.steps + 1;
  trace_.begin_step(step);
  timer_.begin_step();
  const double rate = learning_rate(options_.optimization, step, position.epoch, total_steps());
  const auto own_loss = sum_gradients(plan, step_of_epoch);
  const bool logged = step_of_epoch % options_.output.log_every == 0;
  open_steps_.push_back({.step = step,
                         .expected_samples = plan.global_samples(step_of_epoch),
                         .learning_rate = rate,
                         .logged = logged,
                         .own_loss = own_loss,
                         .gradient_norm = measure_gradient_norm(logged)});
  parts_.compute.access(
      {sync::memory_of(reducer_.flat_gradients())},
      {sync::memory_of(reducer_.flat_gradients()), sync::memory_of(reducer_.flat_parameters())});
  show(comm::Phase::kOptimizer);
  optimizer_.step(rate);
  timer_.end_phase(Phase::kOptimizer);
  // One step stays open on a GPU, which goes on with it meanwhile.
  close_steps(parts_.compute.runs_ahead() ? 1 : 0);
  timer_.end_step();
  trace_.end_step(step, *events_);
  ++position.steps;
  ++position.step_of_epoch;
}

torch::Tensor Trainer::sum_gradients(const EpochPlan& plan, std::int64_t step_of_epoch) {
  reducer_.begin_step(optimizer_.clears_gradients());  // before the first step too: all zero
  parts_.compute.access({sync::memory_of(reducer_.flat_parameters())}, {});
  auto own_loss = compute_gradients(plan, step_of_epoch);
  const auto seconds = reducer_.finish_step();
  timer_.end_phase(Phase::kBackward, seconds.exposed);
  timer_.add_communication(seconds.communication, seconds.exposed);
  trace_.add_communication(seconds, reducer_.bucket_times());
  return own_loss;
}

/// On a GPU, the host waits here for what all ranks have started on theirs.
sync::StepTotals Trainer::take_totals() {
  if (parts_.board == nullptr || !parts_.compute.runs_ahead()) return reducer_.take_totals();
  const comm::WaitScope waiting(parts_.board, parts_.board->gpu_wait(comm::Channel::kGradients));
  return reducer_.take_totals();
}

/// Takes the totals of all steps but the last `stay_open`. All ranks do so at the same points, so
/// they stop after the same step.
void Trainer::close_steps(std::size_t stay_open) {
  while (open_steps_.size() > stay_open) {
    const auto step = open_steps_.front();
    open_steps_.pop_front();
    const auto totals = take_totals();
    check_totals(totals, step);
    progress_.position.epoch_samples += totals.samples;
    progress_.position.epoch_loss += totals.loss_sum;
    stop_wanted_ = stop_wanted_ || totals.stop;
    report(step, totals.loss_sum / static_cast<double>(totals.samples));
  }
}

/// Returns the sum of the losses of all of this rank's samples, if it has any.
torch::Tensor Trainer::compute_gradients(const EpochPlan& plan, std::int64_t step_of_epoch) {
  auto own_loss = compute_shard(plan, step_of_epoch, 0);
  for (std::size_t shard = 1; shard < plan.shards(); ++shard) {
    reducer_.next_shard();
    timer_.end_phase(Phase::kBackward);
    const auto loss = compute_shard(plan, step_of_epoch, shard);
    if (loss.defined()) own_loss = own_loss.defined() ? own_loss + loss : loss;
  }
  return own_loss;
}

torch::Tensor Trainer::compute_shard(const EpochPlan& plan, std::int64_t step_of_epoch,
                                     std::size_t shard) {
  const auto batches = plan.micro_batches(step_of_epoch, shard);
  const double scale = 1.0 / static_cast<double>(plan.global_samples(step_of_epoch));
  sync::StepContribution mine{.wants_to_stop = parts_.stop.signal() != 0};
  for (std::size_t i = 0; i < batches.size(); ++i) {
    show(comm::Phase::kData);
    const auto batch = gatherer_.gather(batches[i]);
    timer_.end_phase(Phase::kData);
    show(comm::Phase::kForward);
    const auto loss =
        model::loss_sum(options_.model.loss, parts_.network->forward(batch.images), batch.labels);
    mine.samples += batches[i].count;
    mine.loss_sum = mine.loss_sum.defined() ? mine.loss_sum + loss.detach() : loss.detach();
    timer_.end_phase(Phase::kForward);
    const bool last = i + 1 == batches.size();
    if (last) reducer_.expect_last_backward(mine);
    show(comm::Phase::kBackward);
    (loss * scale).backward();
    if (!last) timer_.end_phase(Phase::kBackward);
  }
  if (batches.empty()) reducer_.expect_last_backward(mine);
  return mine.loss_sum;
}

// Every rank has the same totals and weights, so what one rank finds here, all find.
void Trainer::check_totals(const sync::StepTotals& totals, const OpenStep& step) const {
  if (totals.samples != step.expected_samples) {
    comm::fail_together(
        parts_.control,
        fmt::format(
            "epoch {}, step {}: the ranks trained {} samples instead of {}: do all run the same "
            "version?",
            progress_.position.epoch, step.step, totals.samples, step.expected_samples));
  }
  if (!std::isfinite(totals.loss_sum)) fail_for_loss(step);
}

/// Collective: only the ranks themselves know whose samples it was.
void Trainer::fail_for_loss(const OpenStep& step) const {
  const bool mine = step.own_loss.defined() && !std::isfinite(step.own_loss.item<double>());
  std::string where;
  const auto all = comm::gather_texts(
      parts_.control, mine ? fmt::format("in the batch of {}", parts_.layout.describe()) : "");
  for (const auto& text : all) {
    if (!text.empty()) where += (where.empty() ? " " : ", ") + text;
  }
  comm::fail_together(
      parts_.control,
      fmt::format("epoch {}, step {}: the loss is not finite{}: {}", progress_.position.epoch,
                  step.step, where.empty() ? " in the sum over ranks" : where, kDivergenceRemedy));
}

void Trainer::check_weights() const {
  if (std::isfinite(reducer_.flat_parameters().sum().item<double>())) return;
  comm::fail_together(
      parts_.control,
      fmt::format("epoch {}, step {}: the weights are not finite: {}", progress_.position.epoch,
                  progress_.position.steps, kDivergenceRemedy));
}

/// Behind a step: what the options want every so many steps.
void Trainer::do_what_is_due() {
  if (output_.writer != nullptr) tell_of_checkpoint(output_.writer->poll());
  const std::int64_t steps = progress_.position.steps;
  const auto due = [steps](std::int64_t every) { return every > 0 && steps % every == 0; };
  const bool check = due(options_.distribution.check_replicas_every);
  const bool keep = due(options_.output.checkpoint_every);
  if (!check && !keep) return;
  close_steps(0);
  reports_.tell(*events_);
  if (check) {
    require_equal_replicas(digests_of(replica_.state()), fmt::format("step {}", steps),
                           parts_.control, parts_.layout);
  }
  if (keep) save();
}

/// Every rank looks at its weights, so that all end if they are no good, and rank 0 writes them.
void Trainer::save() {
  if (saved_steps_ == progress_.position.steps) return;
  saved_steps_ = progress_.position.steps;
  show(comm::Phase::kCheckpoint);
  check_weights();
  if (output_.writer == nullptr) return;
  output_.writer->save({progress_.position, output_.settings, replica_.state()});
}

void Trainer::tell_of_checkpoint(const std::optional<metrics::CheckpointEvent>& event) {
  if (event) events_->on(*event);
}

void Trainer::report(const OpenStep& step, double loss) {
  reports_.add({.epoch = progress_.position.epoch,
                .step = step.step,
                .samples = progress_.position.epoch_samples,
                .samples_per_epoch = sampler_.samples,
                .loss = loss});
  if (!step.logged) return;
  std::optional<double> norm;
  if (step.gradient_norm.defined()) norm = gradient_norms_->take().front();
  reports_.log_last(step.learning_rate, norm);
}

/// Of the summed gradient, on its way to the host; undefined where nobody wants it.
torch::Tensor Trainer::measure_gradient_norm(bool logged) {
  if (!logged || gradient_norms_ == nullptr) return {};
  const torch::NoGradGuard no_gradients;
  parts_.compute.access({sync::memory_of(reducer_.flat_gradients())}, {});
  auto norm = reducer_.flat_gradients().norm();
  gradient_norms_->start(sync::floats_of(norm));
  return norm;
}

void Trainer::evaluate() {
  using Set = metrics::Evaluation::Set;
  show(comm::Phase::kEvaluation);
  check_weights();
  const auto& position = progress_.position;
  if (validation_) {
    auto result = validation_->evaluate(Set::kValidation, position.epoch);
    result.step = position.steps;
    events_->on(result);
  }
  progress_.last_test = test_.evaluate(Set::kTest, position.epoch);
  progress_.last_test->step = position.steps;
  events_->on(*progress_.last_test);
}

}  // namespace lockstep::train

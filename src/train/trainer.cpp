#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/comm/agreement.hpp>
#include <lockstep/train/learning_rate.hpp>
#include <lockstep/train/rank_times.hpp>
#include <lockstep/train/replica_check.hpp>
#include <lockstep/train/trainer.hpp>

#include "divergence.hpp"

namespace lockstep::train {
namespace {

using Set = metrics::Evaluation::Set;

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

bool is_due(std::int64_t every, std::int64_t steps) {
  return every > 0 && steps % every == 0;
}

}  // namespace

Trainer::Trainer(const TrainOptions& options, const BatchSizes& sizes, TrainerParts parts)
    : options_(options),
      sizes_(sizes),
      parts_(std::move(parts)),
      split_(data::split_for_validation(parts_.train.size(), options.data.validation_fraction,
                                        data_seed_of(options.sampling))),
      sampler_{.samples = static_cast<std::int64_t>(split_.train.size()),
               .replicas = sizes.shards(),
               .tail = options.sampling.tail,
               .shuffle = options.sampling.shuffle,
               .seed = data_seed_of(options.sampling)},
      engine_(options, sizes, parts_, std::min(sizes.micro, sampler_.count(0))),
      test_(parts_.network, parts_.loss, parts_.control, parts_.test, parts_.test.indices(),
            options.output.test_batch_size) {
  if (!split_.validation.empty()) {
    validation_.emplace(parts_.network, parts_.loss, parts_.control, parts_.train,
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

bool Trainer::epoch_is_trained() const {
  const auto& position = progress_.position;
  return position.step_of_epoch >= steps_per_epoch() || position.steps >= total_steps();
}

void Trainer::show(watch::Phase phase) const {
  if (parts_.board == nullptr) return;
  parts_.board->set_phase(phase);
  parts_.board->set_position(progress_.position.epoch, progress_.position.steps + 1);
}

void Trainer::restore(const Checkpoint& checkpoint) {
  try {
    engine_.replica().restore(checkpoint.tensors, checkpoint.position.steps);
  } catch (const DataError& error) {
    throw DataError(
        fmt::format("{}: {}: it is of another model or optimizer", checkpoint.path, error.what()));
  }
  progress_.position = checkpoint.position;
  saved_steps_ = checkpoint.position.steps;
}

TrainResult Trainer::run(metrics::EventSink& events, CheckpointOutput output) {
  events_ = &events;
  output_ = std::move(output);
  needs_ = share_needs();
  engine_.prepare(needs_);
  auto& position = progress_.position;
  const auto start = Clock::now();
  // A checkpoint of an earlier version may come after the last test loop; the end of the run may
  // still need that.
  bool last = position.steps >= total_steps() && position.step_of_epoch == 0;
  if (last) progress_.last_test = test_.evaluate(Set::kTest, position.epoch - 1);
  while (!last && !progress_.stopped) {
    if (!epoch_is_trained()) {
      events_->on(metrics::EpochStart{.epoch = position.epoch});
      train_epoch();
      if (progress_.stopped) break;
      // Before the test loop, which may be long: a rank that dies in it then loses no step.
      save_if_due_after_epoch();
    }
    last = position.steps >= total_steps();
    evaluate_if_due();
    const auto& early_stop = options_.optimization.early_stop;
    progress_.early = !last && early_stop && ends(*early_stop, position.early_stop);
    last = last || progress_.early;
    if (!last && !progress_.stopped && position.step_of_epoch == steps_per_epoch()) {
      position = position.next_epoch();
    }
  }
  save();  // unless that was already done
  engine_.trace().finish(*events_);
  if (output_.writer != nullptr) tell_of_checkpoints(output_.writer->finish());
  progress_.seconds = seconds_since(start);
  return progress_;
}

/// Collective: rank 0's sinks decide for all ranks.
metrics::SinkNeeds Trainer::share_needs() const {
  const auto mine = events_->needs();
  const bool first = parts_.control.rank() == 0;
  std::array<double, 2> shared = {first && mine.gradient_norm ? 1.0 : 0.0,
                                  first ? static_cast<double>(mine.histogram_every) : 0.0};
  parts_.control.all_reduce(std::span<double>(shared)).wait();
  return {.gradient_norm = shared[0] > 0, .histogram_every = static_cast<std::int64_t>(shared[1])};
}

void Trainer::train_epoch() {
  auto& position = progress_.position;
  const EpochPlan plan(sampler_, sizes_, parts_.control.rank(), position.epoch - 1, split_.train);
  engine_.begin_epoch(plan);
  const auto start = Clock::now();
  const std::int64_t samples_before = position.epoch_samples;
  reports_.begin_epoch(start, samples_before);
  while (position.step_of_epoch < plan.steps() && position.steps < total_steps()) {
    train_step(position.step_of_epoch);
    reports_.tell(*events_);
    if (stop_wanted_) break;
    if (!epoch_is_trained()) check_and_save_if_due();
  }
  close_steps(0);
  reports_.tell(*events_);
  progress_.stopped = stop_wanted_ && position.steps < total_steps();
  // A checkpoint at the end of an epoch implies that the epoch has been reported.
  if (epoch_is_trained()) end_epoch(start, samples_before);
}

void Trainer::end_epoch(Clock::time_point start, std::int64_t samples_before) {
  const auto& position = progress_.position;
  const double seconds = seconds_since(start);
  const auto times = engine_.timer().summary();
  progress_.slowest = find_slowest_rank(times, parts_.control, parts_.layout);
  events_->on(metrics::EpochEnd{
      .epoch = position.epoch,
      .step = position.steps,
      .train_loss = position.epoch_loss / static_cast<double>(position.epoch_samples),
      .seconds = seconds,
      .images_per_second = static_cast<double>(position.epoch_samples - samples_before) / seconds,
      .times = times,
      .series = engine_.timer().series(),
      .slowest = progress_.slowest});
  const auto every = needs_.histogram_every;
  if (every > 0 && position.epoch % every == 0 && parts_.control.rank() == 0) {
    events_->on(engine_.histograms(position.steps));
  }
}

void Trainer::train_step(std::int64_t step_of_epoch) {
  auto& position = progress_.position;
  const std::int64_t step = position.steps + 1;
  engine_.take(
      {.epoch = position.epoch,
       .step_of_epoch = step_of_epoch,
       .step = step,
       .learning_rate = learning_rate(options_.optimization, step, position.epoch, total_steps()),
       .logged = step_of_epoch % options_.output.log_every == 0});
  close_steps(engine_.steps_kept_open());
  engine_.end_step(step, *events_);
  ++position.steps;
  ++position.step_of_epoch;
}

/// All ranks do so at the same points, so they stop after the same step.
void Trainer::close_steps(std::size_t stay_open) {
  for (const auto& outcome : engine_.close(stay_open)) {
    progress_.position.epoch_samples += outcome.totals.samples;
    progress_.position.epoch_loss += outcome.totals.loss_sum;
    stop_wanted_ = stop_wanted_ || outcome.totals.stop;
    report(outcome);
  }
}

void Trainer::report(const StepOutcome& outcome) {
  const auto& [request, totals, gradient_norm] = outcome;
  reports_.add({.epoch = request.epoch,
                .step = request.step,
                .samples = progress_.position.epoch_samples,
                .samples_per_epoch = sampler_.samples,
                .loss = totals.loss_sum / static_cast<double>(totals.samples)});
  if (request.logged) reports_.log_last(request.learning_rate, gradient_norm);
}

void Trainer::check_weights() const {
  if (engine_.weights_are_finite()) return;
  comm::fail_together(
      parts_.control,
      fmt::format("epoch {}, step {}: the weights are not finite: {}", progress_.position.epoch,
                  progress_.position.steps, kDivergenceRemedy),
      divergence_settings());
}

/// After a step: what the options ask for every so many steps.
void Trainer::check_and_save_if_due() {
  if (output_.writer != nullptr) tell_of_checkpoints(output_.writer->poll());
  const std::int64_t steps = progress_.position.steps;
  const bool check = is_due(options_.distribution.check_replicas_every, steps);
  const bool keep = is_due(options_.output.checkpoint_every, steps);
  if (!check && !keep) return;
  close_steps(0);
  reports_.tell(*events_);
  if (check) {
    require_equal_replicas(digests_of(engine_.replica().state()), fmt::format("step {}", steps),
                           parts_.control, parts_.layout);
  }
  if (keep) save();
}

/// After the last step of an epoch: what the options ask for then, or every so many steps.
void Trainer::save_if_due_after_epoch() {
  check_and_save_if_due();
  if (options_.output.checkpoint_every == 0 || progress_.position.steps >= total_steps()) save();
}

/// Every rank checks its weights, so that all end if they are not finite, and rank 0 writes them.
void Trainer::save() {
  if (saved_steps_ == progress_.position.steps) return;
  saved_steps_ = progress_.position.steps;
  show(watch::Phase::kCheckpoint);
  check_weights();
  if (output_.writer == nullptr) return;
  output_.writer->save({.position = progress_.position,
                        .settings = output_.settings,
                        .tensors = engine_.replica().state(),
                        .metadata = output_.metadata});
}

void Trainer::tell_of_checkpoints(const std::vector<metrics::CheckpointEvent>& events) {
  for (const auto& event : events) events_->on(event);
}

void Trainer::evaluate_if_due() {
  const auto& position = progress_.position;
  const bool last = position.steps >= total_steps();
  if (!last && position.epoch % options_.output.evaluate_every != 0) return;
  show(watch::Phase::kEvaluation);
  check_weights();
  progress_.stopped = !evaluate_sets(/*of_average=*/false);
  if (progress_.stopped || engine_.average() == nullptr) return;
  with_averaged_weights([this] { progress_.stopped = !evaluate_sets(/*of_average=*/true); });
}

void Trainer::with_averaged_weights(const std::function<void()>& use) {
  auto* average = engine_.average();
  if (average == nullptr) return;
  average->swap();
  use();
  average->swap();
}

/// False if a rank was asked to stop.
bool Trainer::evaluate_sets(bool of_average) {
  return (!validation_ || evaluate(*validation_, Set::kValidation, of_average)) &&
         evaluate(test_, Set::kTest, of_average);
}

bool Trainer::evaluate(Evaluator& evaluator, Set set, bool of_average) {
  auto result = evaluator.evaluate(set, progress_.position.epoch,
                                   [this] { return stop_wanted_ || parts_.stop.wanted(); });
  if (!result) return false;
  result->step = progress_.position.steps;
  result->of_average = of_average;
  events_->on(*result);
  if (of_average) return true;
  if (set == Set::kTest) progress_.last_test = result;
  select(*result);
  return true;
}

/// Every rank has the same results, so all decide alike.
void Trainer::select(const metrics::Evaluation& evaluation) {
  auto& position = progress_.position;
  if (const auto& metric = options_.output.keep_best) {
    if (improves(evaluation, *metric, position.keep_best)) keep_as_best();
    count(evaluation, *metric, position.keep_best);
  }
  if (const auto& early_stop = options_.optimization.early_stop) {
    count(evaluation, early_stop->metric, position.early_stop);
  }
}

void Trainer::keep_as_best() {
  save();  // unless that was already done
  if (output_.writer == nullptr) return;
  const auto failure = output_.writer->keep_as_best(progress_.position.steps);
  if (failure.empty()) return;
  events_->on(metrics::Warning{fmt::format("the best checkpoint is not kept: {}", failure)});
}

}  // namespace lockstep::train

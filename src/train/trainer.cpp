#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <lockstep/comm/agreement.hpp>
#include <lockstep/sync/tensor_memory.hpp>
#include <lockstep/train/learning_rate.hpp>
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
               .replicas = parts_.control.size(),
               .tail = options.sampling.tail,
               .shuffle = options.sampling.shuffle,
               .seed = data_seed(options.sampling)},
      gatherer_(parts_.train, std::min(sizes.micro, sampler_.count(0))),
      reducer_(parts_.network->parameters(), parts_.gradients, parts_.compute,
               bucket_limits(options.distribution, parts_.gradients.overlaps())),
      optimizer_(options.optimization, reducer_.flat_parameters(), reducer_.flat_gradients()),
      test_(parts_.network, options.model.loss, parts_.control, parts_.test, parts_.test.indices(),
            options.output.test_batch_size) {
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

TrainResult Trainer::run(metrics::EventSink& events) {
  events_ = &events;
  const auto start = Clock::now();
  while (progress_.steps < total_steps() && !progress_.stopped) {
    ++progress_.epoch;
    events_->on(metrics::EpochStart{.epoch = progress_.epoch});
    train_epoch(progress_.epoch);
    const bool last = progress_.steps >= total_steps();
    const bool due = progress_.epoch % options_.output.evaluate_every == 0;
    if (!progress_.stopped && (last || due)) evaluate();
  }
  progress_.seconds = seconds_since(start);
  return progress_;
}

void Trainer::train_epoch(std::int64_t epoch) {
  parts_.network->train();
  timer_.reset();
  const EpochPlan plan(sampler_, sizes_, parts_.control.rank(), epoch - 1, split_.train);
  gatherer_.set_order(plan.order());
  const auto start = Clock::now();
  last_line_ = start;
  last_line_samples_ = 0;
  epoch_sums_ = {};
  for (std::int64_t s = 0; s < plan.steps() && progress_.steps < total_steps(); ++s) {
    train_step(plan, s);
    tell_of_steps();
    progress_.stopped = stop_wanted_ && progress_.steps < total_steps();
    if (progress_.stopped) break;
  }
  close_steps(0);
  tell_of_steps();
  if (progress_.stopped) return;
  progress_.stopped = stop_wanted_ && progress_.steps < total_steps();
  const double seconds = seconds_since(start);
  const auto samples = static_cast<double>(epoch_sums_.samples);
  events_->on(metrics::EpochEnd{.epoch = epoch,
                                .train_loss = epoch_sums_.loss / samples,
                                .seconds = seconds,
                                .images_per_second = samples / seconds,
                                .times = timer_.summary()});
}

void Trainer::train_step(const EpochPlan& plan, std::int64_t step_of_epoch) {
  timer_.begin_step();
  const std::int64_t step = progress_.steps + 1;
  const double rate = learning_rate(options_.optimization, step, progress_.epoch, total_steps());
  sum_gradients(plan, step_of_epoch);
  open_steps_.push_back({.step = step,
                         .expected_samples = plan.global_samples(step_of_epoch),
                         .learning_rate = rate,
                         .logged = step_of_epoch % options_.output.log_every == 0});
  parts_.compute.access(
      {sync::memory_of(reducer_.flat_gradients())},
      {sync::memory_of(reducer_.flat_gradients()), sync::memory_of(reducer_.flat_parameters())});
  optimizer_.step(rate);
  timer_.end_phase(Phase::kOptimizer);
  // One step stays open on a GPU, which goes on with it meanwhile.
  close_steps(parts_.compute.runs_ahead() ? 1 : 0);
  timer_.end_step();
  ++progress_.steps;
}

void Trainer::sum_gradients(const EpochPlan& plan, std::int64_t step_of_epoch) {
  reducer_.begin_step();
  parts_.compute.access({sync::memory_of(reducer_.flat_parameters())}, {});
  compute_gradients(plan, step_of_epoch);
  const auto seconds = reducer_.finish_step();
  timer_.end_phase(Phase::kBackward, seconds.exposed);
  timer_.add_communication(seconds.communication, seconds.exposed);
}

/// Takes the totals of all steps but the last `stay_open`. All ranks do so at the same points, so
/// they stop after the same step.
void Trainer::close_steps(std::size_t stay_open) {
  while (open_steps_.size() > stay_open) {
    const auto step = open_steps_.front();
    open_steps_.pop_front();
    const auto totals = reducer_.take_totals();
    check_totals(totals, step);
    epoch_sums_.samples += totals.samples;
    epoch_sums_.loss += totals.loss_sum;
    stop_wanted_ = stop_wanted_ || totals.stop;
    if (step.logged) log_step(step, totals.loss_sum / static_cast<double>(totals.samples));
  }
}

void Trainer::compute_gradients(const EpochPlan& plan, std::int64_t step_of_epoch) {
  const auto batches = plan.micro_batches(step_of_epoch);
  const double scale = 1.0 / static_cast<double>(plan.global_samples(step_of_epoch));
  sync::StepContribution mine{.wants_to_stop = parts_.stop.signal() != 0};
  for (std::size_t i = 0; i < batches.size(); ++i) {
    const auto batch = gatherer_.gather(batches[i]);
    timer_.end_phase(Phase::kData);
    const auto loss =
        model::loss_sum(options_.model.loss, parts_.network->forward(batch.images), batch.labels);
    mine.samples += batches[i].count;
    mine.loss_sum = mine.loss_sum.defined() ? mine.loss_sum + loss.detach() : loss.detach();
    timer_.end_phase(Phase::kForward);
    const bool last = i + 1 == batches.size();
    if (last) reducer_.expect_last_backward(mine);
    (loss * scale).backward();
    if (!last) timer_.end_phase(Phase::kBackward);
  }
  if (batches.empty()) reducer_.expect_last_backward(mine);
}

// Every rank has the same totals and weights, so what one rank finds here, all find.
void Trainer::check_totals(const sync::StepTotals& totals, const OpenStep& step) const {
  if (totals.samples != step.expected_samples) {
    comm::fail_together(
        parts_.control,
        fmt::format(
            "epoch {}, step {}: the ranks trained {} samples instead of {}: do all run the same "
            "version?",
            progress_.epoch, step.step, totals.samples, step.expected_samples));
  }
  if (!std::isfinite(totals.loss_sum)) {
    comm::fail_together(parts_.control, fmt::format("epoch {}, step {}: the loss is not finite: {}",
                                                    progress_.epoch, step.step, kDivergenceRemedy));
  }
}

void Trainer::check_weights() const {
  if (std::isfinite(reducer_.flat_parameters().sum().item<double>())) return;
  comm::fail_together(parts_.control,
                      fmt::format("epoch {}, step {}: the weights are not finite: {}",
                                  progress_.epoch, progress_.steps, kDivergenceRemedy));
}

void Trainer::log_step(const OpenStep& step, double loss) {
  const std::int64_t samples = epoch_sums_.samples;
  const auto now = Clock::now();
  const double seconds = std::chrono::duration<double>(now - last_line_).count();
  lines_.push_back(metrics::TrainStep{
      .epoch = progress_.epoch,
      .step = step.step,
      .samples = samples,
      .samples_per_epoch = sampler_.samples,
      .loss = loss,
      .learning_rate = step.learning_rate,
      .images_per_second = static_cast<double>(samples - last_line_samples_) / seconds});
  last_line_ = now;
  last_line_samples_ = samples;
}

void Trainer::tell_of_steps() {
  for (const auto& line : lines_) events_->on(line);
  lines_.clear();
}

void Trainer::evaluate() {
  using Set = metrics::Evaluation::Set;
  check_weights();
  if (validation_) {
    events_->on(validation_->evaluate(Set::kValidation, progress_.epoch));
  }
  progress_.last_test = test_.evaluate(Set::kTest, progress_.epoch);
  events_->on(*progress_.last_test);
}

}  // namespace lockstep::train

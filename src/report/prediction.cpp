#include <algorithm>
#include <cmath>

#include <lockstep/report/prediction.hpp>

namespace lockstep::report {
namespace {

constexpr double kPerSecond = 1000.0;  // milliseconds
constexpr double kMicrosecondsPerMillisecond = 1000.0;
constexpr double kGoodEfficiency = 0.9;
constexpr std::int64_t kMaxBatch = 1 << 16;
// Vectors of very different sizes use other protocols or other caches, and say nothing about a
// gradient's.
constexpr std::int64_t kNearInSize = 8;

/// Fits one rank's mean step by its batch, for the series' model and threads.
void fit_compute(const Sweep& sweep, const StepSettings& like, ScalingModel& model) {
  std::vector<double> batches;
  std::vector<double> times;
  for (const auto& [settings, runs] : sweep.steps) {
    if (settings.ranks != 1 || settings.independent || settings.threads != like.threads ||
        settings.hidden != like.hidden || settings.others != like.others) {
      continue;
    }
    for (const auto& run : runs) {
      batches.push_back(static_cast<double>(settings.batch_size));
      times.push_back(run.step_ms);
    }
  }
  model.compute_ms = fit_line(batches, times);
  const auto [least, most] = std::minmax_element(batches.begin(), batches.end());
  model.least_batch = *least;
  model.most_batch = *most;
}

/// Takes what only several ranks show from the point with the most ranks.
void take_from_largest(const ScalingPoint& point, ScalingModel& model) {
  const double alone_ms = model.compute_ms.at(static_cast<double>(point.settings.batch_size));
  if (point.lost.shared_machine) {
    model.shared_machine = std::max(1.0, 1 + *point.lost.shared_machine / alone_ms);
  }
  model.wait_share = point.parts.wait_for_slowest / (alone_ms * model.shared_machine);
  model.hidden = point.hidden_communication().value_or(0);
}

struct Range {
  double low = 0;
  double high = 0;
};

/// What may be true if a model says `value` and was off by `error`, as a share of what was
/// measured: |value / truth − 1| ≤ error. A model that was off by 90 % or more gives no upper
/// bound: ten times the value stands for that.
Range truth(double value, double error) {
  constexpr double kWorst = 0.9;
  return {value / (1 + error), value / (1 - std::min(error, kWorst))};
}

Range all_reduce_range_ms(const ScalingModel& model, int ranks) {
  const auto of = [&](const AllReduceModel& one) {
    return truth(one.microseconds(ranks, model.gradient_bytes) / kMicrosecondsPerMillisecond,
                 one.worst_relative_error);
  };
  auto range = of(model.all_reduce);
  if (ranks <= model.all_reduce.most_ranks) return range;
  for (const auto& other : model.alternatives) {
    const auto its = of(other);
    range = {std::min(range.low, its.low), std::max(range.high, its.high)};
  }
  return range;
}

/// Bounds from the checks of whole steps, and from the parts: an all-reduce that takes longer than
/// predicted finds no more computation to hide behind, while one that takes less hides the same
/// share.
Range step_range_ms(const ScalingModel& model, int ranks, double batch_size, Range all_reduce) {
  const double step = model.step_ms(ranks, batch_size);
  const double alone = model.compute_ms.at(batch_size);
  const double all_reduce_ms =
      model.all_reduce.microseconds(ranks, model.gradient_bytes) / kMicrosecondsPerMillisecond;
  const double computing =
      ranks == 1 ? alone : alone * model.shared_machine * (1 + model.wait_share);
  const auto checked = truth(step, model.worst_error);
  const auto computed = truth(computing, model.compute_ms.worst_relative_error);
  const double shown_low = all_reduce.low * (1 - model.hidden);
  const double shown_high = all_reduce.high - model.hidden * all_reduce_ms;
  return {std::min(checked.low, computed.low + shown_low),
          std::max(checked.high, computed.high + shown_high)};
}

}  // namespace

double ScalingModel::step_ms(int ranks, double batch_size) const {
  const double alone_ms = compute_ms.at(batch_size);
  if (ranks == 1) return alone_ms;
  const double communication_ms =
      all_reduce.microseconds(ranks, gradient_bytes) / kMicrosecondsPerMillisecond;
  return alone_ms * shared_machine * (1 + wait_share) + communication_ms * (1 - hidden);
}

ScalingPrediction ScalingModel::predict(int ranks) const {
  const double batch_size =
      scaling == Scaling::kWeak ? static_cast<double>(batch) : static_cast<double>(batch) / ranks;
  const double step = step_ms(ranks, batch_size);
  const double global = batch_size * ranks;
  const double ideal_ms = scaling == Scaling::kWeak
                              ? compute_ms.at(batch_size)
                              : compute_ms.at(static_cast<double>(batch)) / ranks;
  const auto all_reduce_ms = all_reduce_range_ms(*this, ranks);
  const auto range = step_range_ms(*this, ranks, batch_size, all_reduce_ms);
  const auto per = [&](double amount) {
    return Predicted{
        .value = amount / step, .low = amount / range.high, .high = amount / range.low};
  };
  ScalingPrediction prediction{
      .ranks = ranks,
      .batch_size = batch_size,
      .compute_ms = compute_ms.at(batch_size) * (ranks == 1 ? 1 : shared_machine),
      .all_reduce_ms = all_reduce.microseconds(ranks, gradient_bytes) / kMicrosecondsPerMillisecond,
      .all_reduce_ms_low = all_reduce_ms.low,
      .all_reduce_ms_high = all_reduce_ms.high,
      .step_ms = {.value = step, .low = range.low, .high = range.high},
      .images_per_second = per(global * kPerSecond),
      .efficiency = per(ideal_ms),
      .beyond_ranks = ranks > all_reduce.most_ranks,
      .beyond_batches = batch_size < least_batch || batch_size > most_batch};
  for (std::int64_t candidate = 1; candidate <= kMaxBatch; candidate *= 2) {
    const auto images = static_cast<double>(candidate);
    if (compute_ms.at(images) / step_ms(ranks, images) < kGoodEfficiency) continue;
    prediction.least_good_batch = candidate;
    break;
  }
  return prediction;
}

std::optional<ScalingModel> fit_scaling(const Sweep& sweep, const Series& series,
                                        std::optional<AllReduceAlgorithm> algorithm) {
  const auto& largest = series.points.back();
  ScalingModel model{.scaling = series.scaling, .batch = series.batch};
  model.gradient_bytes = sweep.steps.at(largest.settings).front().gradient_bytes;
  std::vector<AllReduceTime> times;
  std::copy_if(sweep.all_reduces.begin(), sweep.all_reduces.end(), std::back_inserter(times),
               [&](const AllReduceTime& time) {
                 return time.bytes >= model.gradient_bytes / kNearInSize &&
                        time.bytes <= model.gradient_bytes * kNearInSize;
               });
  const auto all_reduce = fit_allreduce(times, sweep.one_node, algorithm);
  if (!all_reduce) return {};
  model.all_reduce = *all_reduce;
  if (!algorithm) model.alternatives = fit_alternatives(times, *all_reduce);
  fit_compute(sweep, largest.settings, model);
  take_from_largest(largest, model);
  for (const auto& point : series.points) {
    const double predicted =
        model.step_ms(point.settings.ranks, static_cast<double>(point.settings.batch_size));
    model.checked.push_back({point.settings.ranks, point.step_ms, predicted});
    model.worst_error = std::max(model.worst_error, std::abs(predicted / point.step_ms - 1));
  }
  return model;
}

}  // namespace lockstep::report

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

#include <fmt/format.h>

#include <lockstep/report/scaling.hpp>

namespace lockstep::report {
namespace {

using Repeats = std::vector<StepRun>;

constexpr double kMillisecondsPerSecond = 1000.0;

template <typename Value>
double median_of(const Repeats& runs, Value value) {
  std::vector<double> values;
  for (const auto& run : runs) values.push_back(value(run));
  return estimate(std::move(values)).median;
}

double median_step_ms(const Repeats& runs) {
  return median_of(runs, [](const StepRun& run) { return run.step_ms; });
}

PartTimes median_parts(const Repeats& runs) {
  const auto median = [&](double PartTimes::*part) {
    return median_of(runs, [part](const StepRun& run) { return run.parts.*part; });
  };
  return {.data = median(&PartTimes::data),
          .forward = median(&PartTimes::forward),
          .backward = median(&PartTimes::backward),
          .communication = median(&PartTimes::communication),
          .exposed_communication = median(&PartTimes::exposed_communication),
          .wait_for_slowest = median(&PartTimes::wait_for_slowest),
          .optimizer = median(&PartTimes::optimizer)};
}

/// The repeats with the settings of `like` after `change`; null if there are none. Nodes are not
/// compared: ranks that run alone are on one.
template <typename Change>
const Repeats* find(const Sweep& sweep, StepSettings like, Change change) {
  change(like);
  for (const auto& [settings, runs] : sweep.steps) {
    like.nodes = settings.nodes;
    if (settings == like) return &runs;
  }
  return nullptr;
}

const Repeats* one_rank(const Sweep& sweep, const StepSettings& like, std::int64_t batch) {
  return find(sweep, like, [batch](StepSettings& settings) {
    settings.ranks = 1;
    settings.independent = false;
    settings.batch_size = settings.global_batch_size = batch;
  });
}

/// The same number of ranks, each alone with the batch that it has in `like`.
const Repeats* ranks_alone(const Sweep& sweep, const StepSettings& like) {
  return find(sweep, like, [](StepSettings& settings) {
    settings.independent = true;
    settings.global_batch_size = settings.batch_size;
  });
}

/// The single process with the most threads at this batch, if these are more than in `like`.
const Repeats* all_cores(const Sweep& sweep, const StepSettings& like) {
  const Repeats* found = nullptr;
  int most = like.threads;
  for (const auto& [settings, runs] : sweep.steps) {
    if (settings.ranks == 1 && !settings.independent && settings.threads > most &&
        settings.global_batch_size == like.global_batch_size && settings.hidden == like.hidden) {
      most = settings.threads;
      found = &runs;
    }
  }
  return found;
}

/// Rounding differs with the order of sums, and is amplified by optimizers that divide by small
/// numbers and by short formats.
double loss_tolerance(const StepRun& run) {
  constexpr double kShortFormats = 2e-2;
  constexpr double kAdaptive = 1e-3;
  constexpr double kPlain = 1e-4;
  if (run.precision != "fp32") return kShortFormats;
  return run.optimizer == "sgd" ? kPlain : kAdaptive;
}

void check_losses(const Sweep& sweep, const Repeats& runs, ScalingPoint& point) {
  const auto* reference = one_rank(sweep, point.settings, point.settings.global_batch_size);
  if (reference == nullptr) return;
  const auto& right = reference->front().losses;
  point.loss_check = LossCheck::kRight;
  for (const auto& run : runs) {
    const auto count = std::min(right.size(), run.losses.size());
    if (count == 0) point.loss_check = LossCheck::kWrong;
    for (std::size_t i = 0; i < count; ++i) {
      const double error = std::abs(run.losses[i] - right[i]) / std::abs(right[i]);
      // A loss that is not finite is wrong, too.
      if (!(error <= loss_tolerance(run))) point.loss_check = LossCheck::kWrong;
      point.worst_loss_error = std::max(point.worst_loss_error, error);
    }
  }
}

LostTime lost_time(const Sweep& sweep, const ScalingPoint& point, double ideal_ms) {
  LostTime lost{.wait_for_slowest = point.parts.wait_for_slowest,
                .communication = point.parts.exposed_communication - point.parts.wait_for_slowest};
  double explained_ms = ideal_ms;
  const auto* alone = one_rank(sweep, point.settings, point.settings.batch_size);
  const auto* all_alone = ranks_alone(sweep, point.settings);
  if (alone != nullptr) {
    lost.smaller_batches = median_step_ms(*alone) - ideal_ms;
    explained_ms += *lost.smaller_batches;
    if (all_alone != nullptr) {
      const double images = static_cast<double>(point.settings.batch_size) * point.settings.ranks;
      const double together_ms = median_of(*all_alone, [images](const StepRun& run) {
        return kMillisecondsPerSecond * images / run.images_per_second;
      });
      lost.shared_machine = together_ms - median_step_ms(*alone);
      explained_ms += *lost.shared_machine;
    }
  }
  lost.rest = point.step_ms - explained_ms - lost.wait_for_slowest - lost.communication;
  return lost;
}

Estimate quotient(const Estimate& above, const Estimate& below, double factor) {
  return {.median = above.median / below.median * factor,
          .low = above.low / below.high * factor,
          .high = above.high / below.low * factor,
          .confidence = std::min(above.confidence, below.confidence)};
}

ScalingPoint point_of(const Sweep& sweep, const StepSettings& settings, const Repeats& runs,
                      const Repeats& single) {
  const auto speed = [](const Repeats& repeats) {
    std::vector<double> values;
    for (const auto& run : repeats) values.push_back(run.images_per_second);
    return estimate(std::move(values));
  };
  ScalingPoint point{.settings = settings, .repeats = runs.size()};
  point.images_per_second = speed(runs);
  const bool is_single = &runs == &single;
  point.speed_up = is_single ? Estimate{1, 1, 1, 1} : quotient(speed(runs), speed(single), 1);
  point.efficiency =
      is_single ? Estimate{1, 1, 1, 1} : quotient(speed(runs), speed(single), 1.0 / settings.ranks);
  if (const auto* all = all_cores(sweep, settings)) {
    point.speed_up_against_all_cores = point.images_per_second.median / speed(*all).median;
  }
  point.step_ms = median_step_ms(runs);
  point.step_ms_p50 = median_of(runs, [](const StepRun& run) { return run.step_ms_p50; });
  point.step_ms_p95 = median_of(runs, [](const StepRun& run) { return run.step_ms_p95; });
  point.step_ms_p99 = median_of(runs, [](const StepRun& run) { return run.step_ms_p99; });
  point.parts = median_parts(runs);
  // The single rank's time for as many samples as one rank has here.
  const double ideal_ms = kMillisecondsPerSecond * static_cast<double>(settings.global_batch_size) /
                          settings.ranks / speed(single).median;
  if (!is_single) point.lost = lost_time(sweep, point, ideal_ms);
  check_losses(sweep, runs, point);
  point.noisy = point.efficiency.high - point.efficiency.low > kNoisyEfficiency;
  point.ranks = runs.front().ranks;
  point.step_ms_series = runs.front().step_ms_series;
  return point;
}

struct SeriesKey {
  Scaling scaling;
  std::int64_t batch;
  std::string hidden;
  std::string others;
  int threads;

  [[nodiscard]] auto tied() const { return std::tie(scaling, batch, hidden, others, threads); }
  bool operator<(const SeriesKey& other) const { return tied() < other.tied(); }
};

SeriesKey key_of(Scaling scaling, const StepSettings& settings) {
  return {scaling, scaling == Scaling::kWeak ? settings.batch_size : settings.global_batch_size,
          settings.hidden, settings.others, settings.threads};
}

bool is_planned(const Sweep& sweep, const SeriesKey& key) {
  if (!sweep.plan) return true;
  const auto& batches = key.scaling == Scaling::kWeak ? sweep.plan->weak_batch_sizes
                                                      : sweep.plan->strong_global_batch_sizes;
  return std::find(batches.begin(), batches.end(), key.batch) != batches.end();
}

}  // namespace

const char* loss_check_name(LossCheck check) {
  switch (check) {
    case LossCheck::kRight:
      return "right";
    case LossCheck::kWrong:
      return "wrong";
    case LossCheck::kNoReference:
      return "no reference";
  }
  return "";
}

bool ScalingPoint::unrepeated() const {
  return images_per_second.confidence <= 0 || efficiency.confidence <= 0;
}

std::optional<double> ScalingPoint::hidden_communication() const {
  if (settings.ranks == 1 || parts.communication <= 0) return {};
  return std::clamp(1 - parts.exposed_communication / parts.communication, 0.0, 1.0);
}

std::string Series::title() const {
  return scaling == Scaling::kStrong
             ? fmt::format("Strong scaling, global batch {}, hidden {}", batch, hidden)
             : fmt::format("Weak scaling, {} images per rank, hidden {}", batch, hidden);
}

std::vector<Series> analyse(const Sweep& sweep) {
  using Point = std::pair<const StepSettings, Repeats>;
  std::map<SeriesKey, std::vector<const Point*>> members;  // by ranks, as in the sweep
  for (const auto& point : sweep.steps) {
    if (point.first.independent) continue;
    for (const auto scaling : {Scaling::kStrong, Scaling::kWeak}) {
      const auto key = key_of(scaling, point.first);
      if (is_planned(sweep, key)) members[key].push_back(&point);
    }
  }
  std::vector<Series> all;
  for (const auto& [key, points] : members) {
    const auto& [least, single] = *points.front();
    if (least.ranks != 1 || points.size() == 1) continue;
    Series series{
        .scaling = key.scaling, .batch = key.batch, .hidden = key.hidden, .threads = key.threads};
    for (const auto* point : points) {
      series.points.push_back(point_of(sweep, point->first, point->second, single));
    }
    all.push_back(std::move(series));
  }
  return all;
}

}  // namespace lockstep::report

// How well training scales, and where the lost time goes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <lockstep/report/statistics.hpp>
#include <lockstep/report/sweep.hpp>

namespace lockstep::report {

/// Strong: the same global batch on more ranks. Weak: the same batch on each of more ranks.
enum class Scaling : std::uint8_t { kStrong, kWeak };

/// Why a step takes longer than the ideal, in milliseconds; the parts add up to all the time lost.
/// What was not measured is absent, and its time is part of the rest.
struct LostTime {
  std::optional<double> smaller_batches{};  ///< a rank's smaller share runs less efficiently
  std::optional<double> shared_machine{};   ///< clock and memory shared with busy neighbours
  double wait_for_slowest = 0;
  double communication = 0;  ///< not hidden behind computation
  double rest = 0;           ///< fixed overhead and noise; may be negative

  [[nodiscard]] double total() const {
    return smaller_batches.value_or(0) + shared_machine.value_or(0) + wait_for_slowest +
           communication + rest;
  }
};

/// Whether a point computed the same as one rank with the same global batch.
enum class LossCheck : std::uint8_t { kRight, kWrong, kNoReference };

/// "right", "wrong", "no reference".
[[nodiscard]] const char* loss_check_name(LossCheck check);

/// One number of ranks.
struct ScalingPoint {
  StepSettings settings;
  std::size_t repeats = 0;
  Estimate images_per_second{};
  Estimate speed_up{};                                 ///< against one rank with the same threads
  Estimate efficiency{};                               ///< 1: as fast as that many single ranks
  std::optional<double> speed_up_against_all_cores{};  ///< one process, the same global batch
  double step_ms_p50 = 0;
  double step_ms_p95 = 0;
  double step_ms_p99 = 0;
  double step_ms = 0;  ///< mean
  PartTimes parts{};   ///< medians over repeats
  LostTime lost{};
  LossCheck loss_check = LossCheck::kNoReference;
  double worst_loss_error = 0;    ///< relative
  bool noisy = false;             ///< the interval of the efficiency is too wide to tell
  std::vector<RankSkew> ranks{};  ///< of the first repeat
  std::vector<double> step_ms_series{};

  /// True if this point, or the single rank it is compared with, was measured only once: its noise
  /// is unknown, so it has no interval.
  [[nodiscard]] bool unrepeated() const;
  /// Share of the communication that computation covered, 0–1; absent without communication.
  [[nodiscard]] std::optional<double> hidden_communication() const;
};

struct Series {
  Scaling scaling = Scaling::kWeak;
  std::int64_t batch = 0;  ///< strong: per step; weak: per rank
  std::string hidden;
  int threads = 1;
  std::vector<ScalingPoint> points{};  ///< by number of ranks, from 1

  /// "Strong scaling, global batch 64, hidden 512,512".
  [[nodiscard]] std::string title() const;
};

/// An interval of the efficiency that is wider than this is too noisy to trust.
constexpr double kNoisyEfficiency = 0.10;

/// Every series of the sweep's plan; without a plan, every series with a single rank and another
/// point.
[[nodiscard]] std::vector<Series> analyse(const Sweep& sweep);

}  // namespace lockstep::report

// Predictions for other numbers of ranks: compute time by batch, an all-reduce model, and how
// accurate both were where they could be checked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <lockstep/report/allreduce_model.hpp>
#include <lockstep/report/scaling.hpp>
#include <lockstep/report/statistics.hpp>

namespace lockstep::report {

/// A predicted value, and how far off it may be, judging by the worst error among the checked
/// points, the errors of the fits behind it, and what was never measured.
struct Predicted {
  double value = 0;
  double low = 0;
  double high = 0;
};

struct ScalingPrediction {
  int ranks = 1;
  double batch_size = 0;  ///< per rank
  double compute_ms = 0;
  double all_reduce_ms = 0;  ///< hidden or not
  double all_reduce_ms_low = 0;
  double all_reduce_ms_high = 0;
  Predicted step_ms{};
  Predicted images_per_second{};
  Predicted efficiency{};       ///< as defined for the series
  bool beyond_ranks = false;    ///< more ranks than it was checked with
  bool beyond_batches = false;  ///< a batch outside the measured range
  /// The smallest power of two, in images per rank, with 90 % weak efficiency; absent if there is
  /// none up to 65,536.
  std::optional<std::int64_t> least_good_batch{};
};

/// A measured point, and the model's prediction for it.
struct CheckedPoint {
  int ranks = 1;
  double measured_ms = 0;
  double predicted_ms = 0;
};

/// The model behind the predictions of one series.
struct ScalingModel {
  Scaling scaling = Scaling::kWeak;
  std::int64_t batch = 0;  ///< as in the series
  Line compute_ms{};       ///< of one rank alone, by its batch
  double least_batch = 0;  ///< the smallest and largest measured
  double most_batch = 0;
  double shared_machine = 1;  ///< how much longer computing takes beside busy neighbours
  double wait_share = 0;      ///< waiting for the slowest, as a share of computing
  double hidden = 0;          ///< share of the all-reduce that computation covers
  std::int64_t gradient_bytes = 0;
  AllReduceModel all_reduce{};
  /// Other models that fit the all-reduce times, for more ranks than the one number that was
  /// measured.
  std::vector<AllReduceModel> alternatives{};
  std::vector<CheckedPoint> checked{};
  double worst_error = 0;  ///< relative, among `checked`

  [[nodiscard]] double step_ms(int ranks, double batch_size) const;
  [[nodiscard]] ScalingPrediction predict(int ranks) const;
};

/// If an algorithm is given, there are no alternatives. Returns nothing without an all-reduce
/// measured with two ranks or more.
[[nodiscard]] std::optional<ScalingModel> fit_scaling(
    const Sweep& sweep, const Series& series, std::optional<AllReduceAlgorithm> algorithm = {});

}  // namespace lockstep::report

// What to expect of other numbers of ranks: compute time against the batch, an all-reduce model,
// and how far both were right where they could be checked.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <lockstep/report/allreduce_model.hpp>
#include <lockstep/report/scaling.hpp>
#include <lockstep/report/statistics.hpp>

namespace lockstep::report {

/// A predicted value, and how far off it may be: by the worst error among the checked points, by
/// the errors of the fits it is made of, and by what was never measured.
struct Predicted {
  double value = 0;
  double low = 0;
  double high = 0;
};

struct ScalingPrediction {
  int ranks = 1;
  double batch_size = 0;  ///< a rank
  double compute_ms = 0;
  double all_reduce_ms = 0;  ///< hidden or not
  double all_reduce_ms_low = 0;
  double all_reduce_ms_high = 0;
  Predicted step_ms{};
  Predicted images_per_second{};
  Predicted efficiency{};       ///< as the series counts it
  bool beyond_ranks = false;    ///< more ranks than any that it was checked with
  bool beyond_batches = false;  ///< a batch outside of those that were measured
  /// The least power of two, images a rank, with 90 % weak efficiency; absent if none up to 65,536.
  std::optional<std::int64_t> least_good_batch{};
};

/// A measured point, and what the model says of it.
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
  double least_batch = 0;  ///< that was measured
  double most_batch = 0;
  double shared_machine = 1;  ///< busy neighbours make computing longer by this factor
  double wait_share = 0;      ///< waiting for the slowest, as a share of computing
  double hidden = 0;          ///< share of the all-reduce that computation covers
  std::int64_t gradient_bytes = 0;
  AllReduceModel all_reduce{};
  /// What else the all-reduce's times allow, beyond the one number of ranks that was measured.
  std::vector<AllReduceModel> alternatives{};
  std::vector<CheckedPoint> checked{};
  double worst_error = 0;  ///< relative, among `checked`

  [[nodiscard]] double step_ms(int ranks, double batch_size) const;
  [[nodiscard]] ScalingPrediction predict(int ranks) const;
};

/// A wish for an algorithm leaves no alternatives. Nothing without an all-reduce measured at two
/// ranks or more.
[[nodiscard]] std::optional<ScalingModel> fit_scaling(
    const Sweep& sweep, const Series& series, std::optional<AllReduceAlgorithm> algorithm = {});

}  // namespace lockstep::report

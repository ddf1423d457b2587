// A sweep's folder: the points that `bench step` and `bench allreduce` left there.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <lockstep/report/allreduce_model.hpp>

namespace lockstep::report {

/// What a step's time depends on. Points with equal settings are repeats of one another.
struct StepSettings {
  int ranks = 1;
  int nodes = 1;
  int threads = 1;                     ///< per rank
  bool independent = false;            ///< each rank trained alone
  std::int64_t batch_size = 0;         ///< per rank and forward pass
  std::int64_t global_batch_size = 0;  ///< per step; of each rank alone, if independent
  std::string hidden{};                ///< widths, "512,512"
  std::string others{};                ///< device, optimizer, precision, … as one text to compare

  auto operator<=>(const StepSettings&) const = default;
};

/// Means in milliseconds.
struct PartTimes {
  double data = 0;
  double forward = 0;
  double backward = 0;
  double communication = 0;
  double exposed_communication = 0;
  double wait_for_slowest = 0;  ///< part of the exposed communication
  double optimizer = 0;
};

struct RankSkew {
  std::string host;
  double busy_ms = 0;  ///< data, forward, backward, optimizer
  double wait_ms = 0;
};

/// One run of `bench step`.
struct StepRun {
  std::string file;
  std::string device_name;
  std::string versions;
  std::string precision;
  std::string optimizer;
  std::int64_t gradient_bytes = 0;
  double images_per_second = 0;
  double step_ms = 0;  ///< mean
  double step_ms_p50 = 0;
  double step_ms_p95 = 0;
  double step_ms_p99 = 0;
  PartTimes parts{};  ///< mean over ranks
  std::vector<RankSkew> ranks{};
  std::vector<double> step_ms_series{};
  std::vector<double> losses{};
};

/// A run that gave no result.
struct FailedRun {
  std::string file;
  std::string what;  ///< what was to be measured: "step", "allreduce"
  int ranks = 0;
  std::int64_t batch_size = 0;         ///< 0: not given
  std::int64_t global_batch_size = 0;  ///< 0: not given
  std::string hidden;
  int exit_code = 0;
  std::string error;
};

/// The points that the sweep was made for; others are for comparison.
struct SweepPlan {
  std::vector<std::int64_t> weak_batch_sizes;           ///< per rank
  std::vector<std::int64_t> strong_global_batch_sizes;  ///< per step
};

struct Sweep {
  std::filesystem::path folder;
  std::optional<SweepPlan> plan{};  ///< absent: whatever the points allow
  std::map<StepSettings, std::vector<StepRun>> steps{};
  std::vector<AllReduceTime> all_reduces{};  ///< medians over repeats
  std::vector<FailedRun> failed{};
  bool one_node = true;
};

/// True if `folder` has files that a sweep leaves.
[[nodiscard]] bool is_sweep(const std::filesystem::path& folder);

/// Reads every .json file in `folder`. Throws DataError naming a file that does not belong to a
/// sweep, or for a folder without any points.
[[nodiscard]] Sweep read_sweep(const std::filesystem::path& folder);

}  // namespace lockstep::report

// The result of `bench step`: a step's time by part, on every rank, and what was measured.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include <lockstep/metrics/events.hpp>
#include <lockstep/session/training_setup.hpp>

#include "commands/bench/options.hpp"

namespace lockstep::app {

/// One rank's mean step times, in milliseconds.
struct RankStepTimes {
  double data = 0;
  double forward = 0;
  double backward = 0;
  double communication = 0;
  double exposed_communication = 0;
  double wait_for_slowest = 0;  ///< of the exposed communication, while another rank computed
  double optimizer = 0;
  double step = 0;
};

struct StepResult {
  metrics::StepTimes times;          ///< of rank 0
  std::vector<double> step_ms;       ///< of each step, rank 0
  std::vector<RankStepTimes> ranks;  ///< in rank order
  std::vector<double> losses;  ///< of the first steps, to check that the computation was correct
  std::int64_t steps = 0;
  double images_per_second = 0;     ///< of all ranks
  double sgemm_ms = 0;              ///< median
  double gflop_per_s = 0;           ///< 0: the network names no linear layers to measure
  double fma_peak_gflop_per_s = 0;  ///< of the rank's threads
  nlohmann::ordered_json configuration{};

  [[nodiscard]] double sgemm_share_of_step() const { return sgemm_ms / times.step.p50; }
};

/// What a step's time depends on, for comparing points.
[[nodiscard]] nlohmann::ordered_json step_configuration(const session::Job& job,
                                                        const session::Training& training,
                                                        BenchStepOptions& options);

/// Collective over `control`. Every rank's times, from its own measurements. The least exposed
/// communication of all ranks in a step is the all-reduce itself; what the others have above it is
/// waiting for the slowest.
[[nodiscard]] std::vector<RankStepTimes> gather_rank_times(const metrics::StepTimes& mine,
                                                           const std::vector<double>& exposed_ms,
                                                           comm::Communicator& control);

/// The metrics that docs/files.md describes.
[[nodiscard]] nlohmann::ordered_json step_result_json(const StepResult& result,
                                                      const std::vector<std::string>& hosts);
/// Names and values of the single-number metrics, as two lines.
[[nodiscard]] std::string step_result_csv(const StepResult& result);
/// A table for people.
[[nodiscard]] std::string step_result_text(const StepResult& result, const train::BatchSizes& sizes,
                                           int threads);

}  // namespace lockstep::app

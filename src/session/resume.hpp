// Going on with a run that was ended before its end.
#pragma once

#include <optional>

#include <nlohmann/json.hpp>

#include <lockstep/options/option_table.hpp>
#include <lockstep/session/job.hpp>
#include <lockstep/train/batch_sizes.hpp>
#include <lockstep/train/checkpoint.hpp>
#include <lockstep/train/node_dataset.hpp>
#include <lockstep/train/run_folder.hpp>

namespace lockstep::session {

/// Where a run begins.
struct StartPoint {
  std::optional<train::RunFolder> folder{};       ///< rank 0's, if --resume has opened it already
  std::optional<train::Checkpoint> checkpoint{};  ///< on every rank; none: from the start
  bool completed = false;  ///< the run in the folder says that it came to its end there
};

/// Collective. Finds and reads what --resume names. AgreedError: DataError's code for a checkpoint
/// that cannot be used.
[[nodiscard]] StartPoint find_start_point(Job& job, const train::TrainOptions& options);

/// What a run and those that go on from it must have in common, by option name. `table` is train's,
/// of these options.
[[nodiscard]] nlohmann::ordered_json settings_of(const train::TrainOptions& options,
                                                 const train::BatchSizes& sizes,
                                                 const options::OptionTable& table,
                                                 const train::NodeDataset& dataset,
                                                 const train::DatasetDigests& digests);

/// Where it is left open, the weight decay becomes that of the run that goes on: versions before
/// PyTorch's defaults were taken gave adamw none.
void keep_weight_decay(const StartPoint& start_point, train::OptimizationOptions& options);

/// Throws DataError that says what differs. `defaults`: of all options, for checkpoints of versions
/// that did not have one.
void require_same_settings(const train::Checkpoint& checkpoint,
                           const nlohmann::ordered_json& settings,
                           const nlohmann::ordered_json& defaults);

}  // namespace lockstep::session

// Resuming a run that was ended early.
#pragma once

#include <optional>

#include <nlohmann/json.hpp>

#include <lockstep/options/option_table.hpp>
#include <lockstep/session/job.hpp>
#include <lockstep/task/task.hpp>
#include <lockstep/train/batch_sizes.hpp>
#include <lockstep/train/checkpoint.hpp>
#include <lockstep/train/node_dataset.hpp>
#include <lockstep/train/run_folder.hpp>

namespace lockstep::session {

/// Where a run begins.
struct StartPoint {
  std::optional<train::RunFolder> folder{};       ///< rank 0's, if --resume has already opened it
  std::optional<train::Checkpoint> checkpoint{};  ///< on every rank; none: start from scratch
  bool completed = false;  ///< the folder says that the run was completed there
};

/// Collective. Finds and reads what --resume names. Throws AgreedError, with DataError's code for a
/// checkpoint that cannot be used.
[[nodiscard]] StartPoint find_start_point(Job& job, const train::TrainOptions& options);

/// What a run and those resumed from it must have in common, by option name; for options that name
/// files of the network, the digests of these. `table` is train's, bound to these options and this
/// task.
[[nodiscard]] nlohmann::ordered_json settings_of(const train::TrainOptions& options,
                                                 const train::BatchSizes& sizes,
                                                 const options::OptionTable& table,
                                                 const task::Task& task,
                                                 const train::NodeDataset& dataset,
                                                 const train::DatasetDigests& digests);

/// If no weight decay was given, keeps that of the resumed run: versions before PyTorch's defaults
/// were adopted gave adamw none.
void keep_weight_decay(const StartPoint& start_point, train::OptimizationOptions& options);

/// If the training inputs are to say how they are normalised, keeps the resumed run's numbers.
void keep_normalization(const StartPoint& start_point, train::DataOptions& options);

/// Throws DataError naming the differences. `defaults`: of all options, for checkpoints of versions
/// that lack some of them.
void require_same_settings(const train::Checkpoint& checkpoint,
                           const nlohmann::ordered_json& settings,
                           const nlohmann::ordered_json& defaults);

}  // namespace lockstep::session

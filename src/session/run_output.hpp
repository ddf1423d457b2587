// What a run leaves behind: its folder, events, checkpoints and weights.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <lockstep/base/log.hpp>
#include <lockstep/metrics/events.hpp>
#include <lockstep/model/network.hpp>
#include <lockstep/model/safetensors.hpp>
#include <lockstep/train/checkpoint_writer.hpp>
#include <lockstep/train/evaluator.hpp>
#include <lockstep/train/node_dataset.hpp>
#include <lockstep/train/options.hpp>
#include <lockstep/train/run_folder.hpp>

#include "resume.hpp"

namespace lockstep::session {

/// Rank 0's folder, sinks and checkpoints; the other ranks have sinks that do nothing.
struct Output {
  std::unique_ptr<train::RunFolder> folder;
  std::unique_ptr<metrics::EventSink> events;  // null until it is known what to record
  std::unique_ptr<train::CheckpointWriter> checkpoints;
};

/// On rank 0. Makes the run's folder, or continues in that of `start_point`; there, removes the
/// lines of metrics.jsonl after the checkpoint. Throws RuntimeFailure or DataError.
[[nodiscard]] Output open_output(const train::TrainOptions& options, StartPoint& start_point,
                                 const Log& log, bool epoch_is_trained);

/// Writes predictions.json, for `lockstep report`; a run is complete without it. `predictions`:
/// none if a signal asked for an early end.
void write_predictions(const Output& output,
                       const std::optional<std::vector<train::Prediction>>& predictions,
                       const train::NodeDataset& dataset, const train::DatasetDigests& digests);

/// Writes NAME.safetensors, which on a full disk takes precedence over old checkpoints, and NAME.pt
/// for a TorchScript module. Throws RuntimeFailure.
void write_final_weights(const Output& output, const model::Network& network,
                         const model::SafetensorsMetadata& metadata, const std::string& name);

}  // namespace lockstep::session

#include "run_output.hpp"

#include <cstdint>
#include <utility>

#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/base/file.hpp>
#include <lockstep/metrics/event_lines.hpp>
#include <lockstep/metrics/resume_lines.hpp>
#include <lockstep/train/predictions.hpp>

namespace lockstep::session {
namespace {

constexpr std::int64_t kMaxClassesInMatrix = 1000;

}  // namespace

Output open_output(const train::TrainOptions& options, StartPoint& start_point, const Log& log,
                   bool epoch_is_trained) {
  auto folder = std::make_unique<train::RunFolder>(
      start_point.folder ? *std::move(start_point.folder)
                         : train::RunFolder::create(options.output.output_dir));
  const train::RunPosition start;
  const auto& position = start_point.checkpoint ? start_point.checkpoint->position : start;
  const auto remark = metrics::drop_lines_past(folder->path() / metrics::kMetricsFile,
                                               position.steps, position.epoch, epoch_is_trained);
  if (!remark.empty()) log.warning(remark);
  auto checkpoints = std::make_unique<train::CheckpointWriter>(
      [where = folder.get()] { return train::CheckpointFolder(where->current_path()); },
      options.output.keep_checkpoints);
  return {std::move(folder), nullptr, std::move(checkpoints)};
}

void write_predictions(const Output& output,
                       const std::optional<std::vector<train::Prediction>>& predictions,
                       const train::NodeDataset& dataset, const train::DatasetDigests& digests) {
  if (!predictions) {
    return output.events->on(
        metrics::Warning{"predictions.json is not written: a signal asked for an early end"});
  }
  const auto classes = dataset.shape.spec().outputs();
  if (classes > kMaxClassesInMatrix) {
    return output.events->on(metrics::Warning{fmt::format(
        "predictions.json is not written: its confusion matrix is for up to {} classes, "
        "and there are {}",
        kMaxClassesInMatrix, classes)});
  }
  try {
    const auto names = dataset.class_names(digests);
    write_file_atomically(
        output.folder->current_path() / "predictions.json",
        train::describe_predictions(*predictions, dataset.test, names).dump() + "\n");
  } catch (const RuntimeFailure& failure) {
    output.events->on(metrics::Warning{failure.what()});
  }
}

void write_final_weights(const Output& output, const model::Network& network,
                         const model::SafetensorsMetadata& metadata, const std::string& name) {
  const auto folder = output.folder->current_path();
  const auto removed = train::CheckpointFolder(folder).make_room_for([&] {
    model::write_safetensors(folder / (name + ".safetensors"), model::named_state(network),
                             metadata);
    if (const auto script = network.script(); !script.empty()) {
      write_file_atomically(folder / (name + ".pt"), script);
    }
  });
  if (removed == 0) return;
  output.events->on(metrics::Warning{
      fmt::format("no space left: {} old checkpoint{} removed to make room for {}.safetensors",
                  removed, removed == 1 ? " was" : "s were", name)});
}

}  // namespace lockstep::session

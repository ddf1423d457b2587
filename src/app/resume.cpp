#include <array>
#include <filesystem>

#include <fmt/format.h>

#include <lockstep/app/resume.hpp>
#include <lockstep/comm/agreement.hpp>
#include <lockstep/metrics/resume_lines.hpp>
#include <lockstep/train/checkpoint_folder.hpp>

namespace lockstep::app {
namespace {

namespace fs = std::filesystem;

/// Options that decide what a step does. What only decides how long a run is, how it is computed or
/// what it tells may change on the way.
constexpr std::array kDecisive = {"global_batch_size",
                                  "shuffle",
                                  "data_seed",
                                  "tail",
                                  "train_samples",
                                  "validation_fraction",
                                  "hidden",
                                  "loss",
                                  "optimizer",
                                  "lr",
                                  "momentum",
                                  "weight_decay",
                                  "lr_schedule",
                                  "lr_step_epochs",
                                  "lr_gamma",
                                  "warmup_steps",
                                  "clip_grad_norm",
                                  "precision",
                                  "virtual_shards"};

Beginning resume_automatically(const std::string& output_dir, const Log& log) {
  if (output_dir.empty()) {
    throw UsageError("--resume auto needs --output-dir DIR: the folder of the run to go on with");
  }
  Beginning beginning{.folder = train::RunFolder::open(output_dir)};
  const auto& folder = beginning.folder->path();
  const train::CheckpointFolder checkpoints(folder);
  checkpoints.remove_leftovers();
  beginning.checkpoint = checkpoints.read_newest(log);
  std::error_code ignored;
  beginning.completed =
      beginning.checkpoint && fs::exists(folder / "model.safetensors", ignored) &&
      metrics::says_completed(folder / "metrics.jsonl", beginning.checkpoint->position.steps);
  return beginning;
}

Beginning resume_from(const fs::path& file, const std::string& output_dir) {
  Beginning beginning{.checkpoint = train::read_checkpoint(file)};
  std::error_code ignored;
  const bool own =
      !output_dir.empty() &&
      fs::equivalent(file.parent_path(), fs::path(output_dir) / "checkpoints", ignored);
  if (own) beginning.folder = train::RunFolder::open(output_dir);
  return beginning;
}

}  // namespace

Beginning find_beginning(Job& job, const train::TrainOptions& options) {
  const auto& resume = options.output.resume;
  auto beginning = comm::run_on_all_ranks(*job.control, job.layout, [&] {
    if (resume.empty() || job.layout.rank != 0) return Beginning{};
    return resume == "auto" ? resume_automatically(options.output.output_dir, job.log)
                            : resume_from(resume, options.output.output_dir);
  });
  if (resume.empty()) return beginning;
  beginning.checkpoint = train::broadcast_checkpoint(std::move(beginning.checkpoint), *job.control);
  std::array<double, 1> completed = {beginning.completed ? 1.0 : 0.0};
  job.control->all_reduce(std::span<double>(completed)).wait();
  beginning.completed = completed[0] > 0;
  return beginning;
}

nlohmann::ordered_json settings_of(const train::TrainOptions& options,
                                   const train::BatchSizes& sizes,
                                   const nlohmann::ordered_json& option_values,
                                   const train::NodeDataset& dataset) {
  nlohmann::ordered_json settings;
  for (const char* name : kDecisive) settings[name] = option_values.at(name);
  settings["global_batch_size"] = sizes.global();
  settings["data_seed"] = options.sampling.data_seed.value_or(options.sampling.seed);
  settings["train_samples"] = dataset.train.size();
  if (sizes.shards_per_rank > 1 || options.distribution.virtual_shards > 0) {
    settings["accumulate_steps"] = sizes.accumulate;  // changes bits, and those are promised
  }
  settings["dataset_sha256"] = dataset.digests();
  return settings;
}

void require_same_settings(const train::Checkpoint& checkpoint,
                           const nlohmann::ordered_json& settings) {
  const auto differences = train::describe_differences(checkpoint.settings, settings);
  if (differences.empty()) return;
  throw DataError(
      fmt::format("{}: the checkpoint is of another run: {}: give the same options, or "
                  "start a new run from its weights with --init-from",
                  checkpoint.path, differences));
}

}  // namespace lockstep::app

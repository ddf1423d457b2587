#include "resume.hpp"

#include <array>
#include <filesystem>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include <lockstep/comm/agreement.hpp>
#include <lockstep/data/spec_json.hpp>
#include <lockstep/metrics/event_lines.hpp>
#include <lockstep/metrics/resume_lines.hpp>
#include <lockstep/train/checkpoint_folder.hpp>

namespace lockstep::session {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSamples = "samples";  // absent in checkpoints of earlier versions

/// Whether an option decides what a step does. Options that only decide how long a run is, how it
/// is computed or what it reports may change on the way; the checkpoint has the weights, and the
/// data have digests.
bool is_decisive(const options::Option& option) {
  return option.effect == Effect::kNetwork || option.effect == Effect::kResults;
}

/// Names of classes change no result.
data::SampleSpec without_names(data::SampleSpec spec) {
  if (auto* classes = std::get_if<data::ClassTarget>(&spec.target)) classes->names.clear();
  return spec;
}

StartPoint go_on_in(const std::string& output_dir, const Log& log) {
  StartPoint start_point{.folder = train::RunFolder::open(output_dir)};
  const auto& folder = start_point.folder->path();
  const train::CheckpointFolder checkpoints(folder);
  checkpoints.remove_leftovers();
  start_point.checkpoint = checkpoints.read_newest(log);
  std::error_code ignored;
  start_point.completed = start_point.checkpoint &&
                          fs::exists(folder / "model.safetensors", ignored) &&
                          metrics::says_completed(folder / metrics::kMetricsFile,
                                                  start_point.checkpoint->position.steps);
  return start_point;
}

StartPoint resume_automatically(const std::string& output_dir, const Log& log) {
  if (output_dir.empty()) {
    throw UsageError("--resume auto needs --output-dir DIR: the folder of the run to continue");
  }
  return go_on_in(output_dir, log);
}

bool same_folder(const fs::path& a, const fs::path& b) {
  std::error_code ignored;
  return fs::equivalent(a, b, ignored);
}

StartPoint resume_from_file(const fs::path& file, const std::string& output_dir) {
  StartPoint start_point{.checkpoint = train::read_checkpoint(file)};
  const auto folder = fs::absolute(file).parent_path();
  const bool own = !output_dir.empty() && same_folder(folder, fs::path(output_dir) / "checkpoints");
  if (own) start_point.folder = train::RunFolder::open(output_dir);
  return start_point;
}

/// The run's folder, if `given` is that or its `checkpoints` folder. Empty if the checkpoints are
/// somewhere else.
fs::path run_folder_of(const fs::path& given) {
  std::error_code ignored;
  if (fs::is_directory(given / "checkpoints", ignored)) return given;
  const auto folder = fs::canonical(given, ignored);
  return folder.filename() == "checkpoints" ? folder.parent_path() : fs::path();
}

/// Resumes from the newest usable checkpoint in a folder.
StartPoint resume_from_folder(const fs::path& given, const std::string& output_dir,
                              const Log& log) {
  const auto run = run_folder_of(given);
  const auto checkpoints =
      run.empty() ? train::CheckpointFolder::at(given) : train::CheckpointFolder(run);
  if (checkpoints.candidates().empty()) {
    throw DataError(
        fmt::format("--resume {}: there is no checkpoint in that folder", given.string()));
  }
  if (!run.empty() && (output_dir.empty() || same_folder(run, output_dir))) {
    return go_on_in(run.string(), log);
  }
  return {.checkpoint = checkpoints.read_newest(log)};
}

StartPoint start_point_of(const std::string& resume, const std::string& output_dir,
                          const Log& log) {
  if (resume == "auto") return resume_automatically(output_dir, log);
  std::error_code ignored;
  return fs::is_directory(resume, ignored) ? resume_from_folder(resume, output_dir, log)
                                           : resume_from_file(resume, output_dir);
}

}  // namespace

StartPoint find_start_point(Job& job, const train::TrainOptions& options) {
  const auto& resume = options.output.resume;
  auto start_point = comm::run_on_all_ranks(*job.control, job.layout, [&] {
    if (resume.empty() || job.layout.rank != 0) return StartPoint{};
    return start_point_of(resume, options.output.output_dir, job.log);
  });
  if (resume.empty()) return start_point;
  start_point.checkpoint =
      train::broadcast_checkpoint(std::move(start_point.checkpoint), *job.control);
  std::array<double, 1> completed = {start_point.completed ? 1.0 : 0.0};
  job.control->all_reduce(std::span<double>(completed)).wait();
  start_point.completed = completed[0] > 0;
  return start_point;
}

nlohmann::ordered_json settings_of(const train::TrainOptions& options,
                                   const train::BatchSizes& sizes,
                                   const options::OptionTable& table, const task::Task& task,
                                   const train::NodeDataset& dataset,
                                   const train::DatasetDigests& digests) {
  nlohmann::ordered_json settings;
  for (const auto& group : table) {
    for (const auto& option : group.options) {
      if (is_decisive(option)) settings[options::record_name(option.name)] = option.binding.get();
    }
  }
  for (const auto& [option, digest] : task.file_digests()) {
    settings[options::record_name(option)] = "SHA-256 " + digest;
  }
  settings["global_batch_size"] = sizes.global();
  settings["weight_decay"] = train::weight_decay_of(options.optimization);
  settings["data_seed"] = train::data_seed_of(options.sampling);
  settings["train_samples"] = dataset.train.size();
  settings["normalize"] = data::to_text(dataset.normalization);
  if (sizes.shards_per_rank > 1 || options.distribution.virtual_shards > 0) {
    settings["accumulate_steps"] = sizes.accumulate;  // it changes bits, and those are promised
  }
  settings["dataset_sha256"] = digests;
  settings[kSamples] = data::to_json(without_names(dataset.shape.spec()));
  return settings;
}

void keep_weight_decay(const StartPoint& start_point, train::OptimizationOptions& options) {
  if (!start_point.checkpoint || options.weight_decay) return;
  const auto& settings = start_point.checkpoint->settings;
  const auto found = settings.find("weight_decay");
  if (found != settings.end() && found->is_number()) options.weight_decay = found->get<double>();
}

void keep_normalization(const StartPoint& start_point, train::DataOptions& options) {
  if (!start_point.checkpoint || !options.normalization.from_data) return;
  const auto& settings = start_point.checkpoint->settings;
  const auto found = settings.find("normalize");
  if (found == settings.end() || !found->is_string()) return;
  const auto of_run = data::parse_normalization(found->get<std::string>());
  if (of_run && of_run->is_on()) options.normalization = *of_run;
}

void require_same_settings(const train::Checkpoint& checkpoint,
                           const nlohmann::ordered_json& settings,
                           const nlohmann::ordered_json& defaults) {
  auto if_absent = defaults;
  if_absent[kSamples] = settings.at(kSamples);
  const auto differences = train::describe_differences(checkpoint.settings, settings, if_absent);
  if (differences.empty()) return;
  throw DataError(
      fmt::format("{}: the checkpoint is of another run: {}: give the same options, or "
                  "start a new run from its weights with --init-from",
                  checkpoint.path, differences));
}

}  // namespace lockstep::session

#include "recorded_run.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <limits>
#include <string_view>

#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/metrics/event_lines.hpp>

namespace lockstep::train {
namespace {

constexpr std::uintmax_t kMaxConfigBytes = std::uintmax_t{64} << 20U;

void require_folder(const std::filesystem::path& folder) {
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error)) {
    throw DataError(fmt::format("'{}' is not a folder: give the folder of a run", folder.string()),
                    {"output_dir"});
  }
}

std::ifstream open_record(const std::filesystem::path& path) {
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::error_code error;
  if (!file || std::filesystem::is_directory(path, error)) {
    const auto reason = file ? std::string("it is a folder") : system_error_text(errno);
    throw DataError(fmt::format("cannot read {}: {}: is {} the folder of a run?", path.string(),
                                reason, path.parent_path().string()),
                    {"output_dir"});
  }
  return file;
}

/// One field of an event. `where` is file and line.
std::int64_t whole_number(const nlohmann::json& event, const char* key, const std::string& where) {
  const auto found = event.find(key);
  if (found == event.end() || !found->is_number_integer()) {
    throw DataError(fmt::format("{}: the event has no whole number '{}'", where, key));
  }
  return found->get<std::int64_t>();
}

double loss_of(const nlohmann::json& event, const std::string& where) {
  const auto found = event.find("loss");
  if (found != event.end() && found->is_null()) return std::numeric_limits<double>::quiet_NaN();
  if (found == event.end() || !found->is_number()) {
    throw DataError(fmt::format("{}: the event has no number 'loss'", where));
  }
  return found->get<double>();
}

void take_event(const nlohmann::json& event, const std::string& where, RecordedRun& run) {
  const auto kind = event.find("event");
  if (kind == event.end()) return;
  if (*kind == "train") {
    const LossLine line{whole_number(event, "epoch", where), whole_number(event, "step", where),
                        loss_of(event, where)};
    // A resumed run continues from its checkpoint: the steps it repeats replace the earlier ones.
    while (!run.losses.empty() && run.losses.back().step >= line.step) run.losses.pop_back();
    run.losses.push_back(line);
  } else if (*kind == "run_start") {
    run.end_step.reset();
  } else if (*kind == "run_end") {
    run.end_step = whole_number(event, "steps", where);
  }
}

void read_metrics(const std::filesystem::path& path, RecordedRun& run) {
  (void)open_record(path);
  metrics::EventLines lines(path);
  while (lines.next()) {
    const auto where = fmt::format("{}:{}", path.string(), lines.number());
    if (!lines.event().is_object()) {
      throw DataError(fmt::format("{}: {}: the file is damaged", where,
                                  lines.is_too_long() ? fmt::format("a line has more than {} bytes",
                                                                    metrics::kMaxEventBytes)
                                                      : std::string("not a JSON object")));
    }
    take_event(lines.event(), where, run);
  }
  if (!lines.is_readable()) {
    throw DataError(fmt::format("{}: it cannot be read to its end", path.string()));
  }
}

/// The step in "step-00000938.safetensors".
std::optional<std::int64_t> step_of_checkpoint(const std::string& name) {
  constexpr std::string_view kBegin = "step-";
  constexpr std::string_view kEnd = ".safetensors";
  if (!name.starts_with(kBegin) || !name.ends_with(kEnd)) return std::nullopt;
  const char* end = name.data() + name.size() - kEnd.size();
  std::int64_t step = 0;
  const auto [rest, error] = std::from_chars(name.data() + kBegin.size(), end, step);
  if (error != std::errc() || rest != end || step < 0) return std::nullopt;
  return step;
}

std::map<std::int64_t, std::string> list_checkpoints(const std::filesystem::path& folder) {
  std::map<std::int64_t, std::string> checkpoints;
  std::error_code error;
  const std::filesystem::directory_iterator files(folder / "checkpoints", error);
  if (error == std::errc::no_such_file_or_directory) return checkpoints;
  if (error) {
    throw DataError(
        fmt::format("cannot read {}: {}", (folder / "checkpoints").string(), error.message()));
  }
  for (const auto& file : files) {
    const auto name = file.path().filename().string();
    if (const auto step = step_of_checkpoint(name)) checkpoints[*step] = "checkpoints/" + name;
  }
  return checkpoints;
}

}  // namespace

bool RecordedRun::has_final_weights() const {
  std::error_code error;
  return std::filesystem::exists(folder / kFinalWeights, error);
}

std::int64_t RecordedRun::steps() const {
  if (end_step) return *end_step;
  const auto logged = losses.empty() ? 0 : losses.back().step;
  const auto saved = checkpoints.empty() ? 0 : checkpoints.rbegin()->first;
  return std::max(logged, saved);
}

RecordedRun read_recorded_run(const std::filesystem::path& folder) {
  require_folder(folder);
  RecordedRun run;
  run.folder = folder;
  read_metrics(folder / metrics::kMetricsFile, run);
  run.checkpoints = list_checkpoints(folder);
  return run;
}

nlohmann::json read_run_config(const std::filesystem::path& folder) {
  require_folder(folder);
  const auto path = folder / "config.json";
  auto file = open_record(path);
  std::error_code error;
  const auto bytes = std::filesystem::file_size(path, error);
  if (error || bytes > kMaxConfigBytes) {
    throw DataError(fmt::format("{}: not the configuration of a run: {}", path.string(),
                                error ? error.message() : fmt::format("{} bytes", bytes)));
  }
  auto config = nlohmann::json::parse(file, nullptr, false);
  if (!config.is_object()) {
    throw DataError(fmt::format("{}: not a JSON object: the file is damaged", path.string()));
  }
  return config;
}

}  // namespace lockstep::train

#include <algorithm>
#include <fstream>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <lockstep/base/error.hpp>
#include <lockstep/metrics/event_lines.hpp>
#include <lockstep/report/statistics.hpp>
#include <lockstep/report/sweep.hpp>

namespace lockstep::report {
namespace {

using nlohmann::json;

constexpr std::uintmax_t kMaxBytes = 64U << 20U;
constexpr int kSchema = 1;
constexpr const char* kPlanFile = "sweep.json";

json read_json(const std::filesystem::path& path) {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(path, error);
  if (error) throw DataError(fmt::format("{}: cannot be read: {}", path.string(), error.message()));
  if (bytes > kMaxBytes) {
    throw DataError(fmt::format("{}: {} bytes are too many for a result of lockstep bench",
                                path.string(), bytes));
  }
  std::ifstream file(path);
  try {
    auto document = json::parse(file);
    if (document.at("schema") != kSchema) {
      throw DataError(fmt::format("{}: schema {}, and this version reads schema {}", path.string(),
                                  document.at("schema").dump(), kSchema));
    }
    return document;
  } catch (const json::parse_error& failure) {
    throw DataError(fmt::format("{}: no valid JSON at byte {}: remove the file, or measure again",
                                path.string(), failure.byte));
  } catch (const json::exception&) {
    throw DataError(
        fmt::format("{}: not a result of lockstep bench: it has no schema", path.string()));
  }
}

std::string widths_text(const json& widths) {
  if (widths.is_string()) return widths.get<std::string>();
  std::string text;
  for (const auto& width : widths) {
    text += fmt::format("{}{}", text.empty() ? "" : ",", width.dump());
  }
  return text;
}

StepSettings settings_of(const json& configuration) {
  std::string others;
  for (const char* name :
       {"device", "device_name", "optimizer", "precision", "backend", "node_shared",
        "virtual_shards", "accumulate_steps", "synthetic", "openblas_kernels", "version"}) {
    others += fmt::format("{} {}; ", name, configuration.at(name).dump());
  }
  return {.ranks = configuration.at("ranks"),
          .nodes = configuration.at("nodes"),
          .threads = configuration.at("threads"),
          .independent = configuration.at("independent"),
          .batch_size = configuration.at("batch_size"),
          .global_batch_size = configuration.at("global_batch_size"),
          .hidden = widths_text(configuration.at("hidden")),
          .others = std::move(others)};
}

StepRun step_run(const json& results, std::string file) {
  const auto& configuration = results.at("configuration");
  StepRun run{
      .file = std::move(file),
      .device_name = configuration.at("device_name"),
      .versions = fmt::format("lockstep {} ({})", configuration.at("version").get<std::string>(),
                              configuration.at("git_revision").get<std::string>()),
      .precision = configuration.at("precision"),
      .optimizer = configuration.at("optimizer"),
      .gradient_bytes = configuration.at("gradient_bytes"),
      .images_per_second = results.at("images_per_second"),
      .step_ms = results.at("step_ms"),
      .step_ms_p50 = results.at("step_ms_p50"),
      .step_ms_p95 = results.at("step_ms_p95"),
      .step_ms_p99 = results.at("step_ms_p99"),
      .step_ms_series = results.at("step_ms_series"),
      .losses = results.at("losses")};
  const auto& ranks = results.at("ranks");
  const auto mean = [&](const char* part) {
    double sum = 0;
    for (const auto& rank : ranks) sum += rank.at(part).get<double>();
    return sum / static_cast<double>(std::max<std::size_t>(ranks.size(), 1));
  };
  run.parts = {.data = mean("data_ms"),
               .forward = mean("forward_ms"),
               .backward = mean("backward_ms"),
               .communication = mean("communication_ms"),
               .exposed_communication = mean("exposed_communication_ms"),
               .wait_for_slowest = mean("wait_for_slowest_ms"),
               .optimizer = mean("optimizer_ms")};
  for (const auto& rank : ranks) {
    run.ranks.push_back(
        {.host = rank.at("host"),
         .busy_ms = rank.at("data_ms").get<double>() + rank.at("forward_ms").get<double>() +
                    rank.at("backward_ms").get<double>() + rank.at("optimizer_ms").get<double>(),
         .wait_ms = rank.at("wait_for_slowest_ms")});
  }
  return run;
}

FailedRun failed_run(const json& failure, std::string file) {
  return {.file = std::move(file),
          .what = failure.at("what"),
          .ranks = failure.at("ranks"),
          .batch_size = failure.value("batch_size", std::int64_t{0}),
          .global_batch_size = failure.value("global_batch_size", std::int64_t{0}),
          .hidden = failure.value("hidden", std::string()),
          .exit_code = failure.at("exit_code"),
          .error = failure.at("error")};
}

using RepeatedTimes = std::map<std::pair<int, std::int64_t>, std::vector<AllReduceTime>>;

void add_all_reduces(const json& document, RepeatedTimes& times) {
  const int ranks = document.at("ranks");
  for (const auto& result : document.at("results")) {
    const std::int64_t bytes = result.at("bytes");
    times[{ranks, bytes}].push_back({.ranks = ranks,
                                     .bytes = bytes,
                                     .microseconds = result.at("time_us_p50"),
                                     .busbw_gb_per_s = result.at("busbw_gb_per_s")});
  }
}

std::vector<AllReduceTime> medians(const RepeatedTimes& repeated) {
  std::vector<AllReduceTime> times;
  for (const auto& [key, repeats] : repeated) {
    std::vector<double> microseconds;
    std::vector<double> bandwidths;
    for (const auto& repeat : repeats) {
      microseconds.push_back(repeat.microseconds);
      bandwidths.push_back(repeat.busbw_gb_per_s);
    }
    times.push_back({.ranks = key.first,
                     .bytes = key.second,
                     .microseconds = estimate(microseconds).median,
                     .busbw_gb_per_s = estimate(bandwidths).median});
  }
  return times;
}

std::vector<std::filesystem::path> json_files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const auto name = entry.path().filename();
    if (name.extension() == ".json" && name != "report.json") files.push_back(entry.path());
  }
  if (error) {
    throw DataError(fmt::format("{}: cannot be read: {}", folder.string(), error.message()));
  }
  std::sort(files.begin(), files.end());
  return files;
}

void add(Sweep& sweep, RepeatedTimes& all_reduces, const std::filesystem::path& path) {
  const auto document = read_json(path);
  const auto name = path.filename().string();
  try {
    if (name == kPlanFile) {
      sweep.plan = {.weak_batch_sizes = document.at("weak_batch_sizes"),
                    .strong_global_batch_sizes = document.at("strong_global_batch_sizes")};
    } else if (document.contains("failed")) {
      sweep.failed.push_back(failed_run(document.at("failed"), name));
    } else if (document.at("results").is_array()) {
      add_all_reduces(document, all_reduces);
    } else {
      const auto& results = document.at("results");
      const auto settings = settings_of(results.at("configuration"));
      sweep.one_node = sweep.one_node && settings.nodes == 1;
      sweep.steps[settings].push_back(step_run(results, name));
    }
  } catch (const json::exception&) {
    throw DataError(fmt::format(
        "{}: not a result of this version's lockstep bench: remove the file, or measure again",
        path.string()));
  }
}

}  // namespace

bool is_sweep(const std::filesystem::path& folder) {
  std::error_code error;
  if (std::filesystem::exists(folder / metrics::kMetricsFile, error)) return false;
  return std::filesystem::exists(folder / kPlanFile, error) ||
         (std::filesystem::is_directory(folder, error) && !json_files(folder).empty());
}

Sweep read_sweep(const std::filesystem::path& folder) {
  Sweep sweep{.folder = folder};
  RepeatedTimes all_reduces;
  for (const auto& path : json_files(folder)) add(sweep, all_reduces, path);
  sweep.all_reduces = medians(all_reduces);
  if (sweep.steps.empty() && sweep.failed.empty() && sweep.all_reduces.empty()) {
    throw DataError(
        fmt::format("{}: no point of a sweep: launch/scaling.sh makes one", folder.string()));
  }
  return sweep;
}

}  // namespace lockstep::report

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <numeric>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/metrics/event_lines.hpp>
#include <lockstep/report/run.hpp>

namespace lockstep::report {
namespace {

using metrics::kMetricsFile;
using nlohmann::json;

constexpr std::uintmax_t kMaxRunBytes = std::uintmax_t{1} << 30U;
constexpr std::size_t kMaxClasses = 1000;

[[noreturn]] void fail(const std::string& where, const std::string& what) {
  throw DataError(fmt::format("{}: {}: is that the folder of a run?", where, what));
}

std::ifstream open(const std::filesystem::path& path) {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(path, error);
  if (error) fail(path.string(), fmt::format("cannot be read: {}", error.message()));
  if (bytes > kMaxRunBytes) fail(path.string(), fmt::format("{} bytes are too many", bytes));
  std::ifstream file(path, std::ios::binary);
  if (!file) fail(path.string(), "cannot be read");
  return file;
}

json read_document(const std::filesystem::path& path) {
  auto file = open(path);
  auto document = json::parse(file, nullptr, false);
  if (!document.is_object()) fail(path.string(), "not a valid JSON object");
  if (document.value("schema", json()) != 1) {
    fail(path.string(), "of another schema than this version reads, which is 1");
  }
  return document;
}

/// JSON has neither infinities nor NaN: null stands for them.
double number(const json& event, const char* key) {
  const auto& value = event.at(key);
  return value.is_null() ? std::numeric_limits<double>::quiet_NaN() : value.get<double>();
}

Figures figures_of(const json& event) {
  const bool classes = event.contains("accuracy");
  return {event.at("epoch"),
          classes ? number(event, "accuracy") : std::numeric_limits<double>::quiet_NaN(),
          number(event, "avg_loss")};
}

void take(const json& event, Run& run) {
  const std::string kind = event.at("event");
  if (kind == "run_start") {
    run.steps_per_epoch = event.at("steps_per_epoch");
    run.status = "not ended, or ended without a record of it";
  } else if (kind == "train") {
    run.steps.push_back({event.at("step"), number(event, "loss"), number(event, "lr")});
    run.steps_done = std::max(run.steps_done, run.steps.back().step);
  } else if (kind == "epoch") {
    Epoch epoch{event.at("epoch"),
                number(event, "train_loss"),
                number(event, "seconds"),
                number(event, "images_per_second"),
                {}};
    for (std::size_t i = 0; i < kStepParts.size(); ++i) {
      epoch.parts_ms.at(i) = number(event, fmt::format("{}_ms", kStepParts.at(i)).c_str());
    }
    run.seconds += epoch.seconds;
    run.epochs.push_back(epoch);
  } else if (kind == "test" || kind == "validation") {
    (kind == "test" ? run.test : run.validation).push_back(figures_of(event));
  } else if (kind == "ema_test") {
    run.ema_test.push_back(figures_of(event));
  } else if (kind == "warning") {
    run.warnings.push_back(event.at("text"));
  } else if (kind == "run_end") {
    run.status = event.at("status");
    run.steps_done = event.at("steps");
    run.parameters_sha256 = event.at("parameters_sha256");
  }
}

void read_events(const std::filesystem::path& path, Run& run) {
  (void)open(path);
  metrics::EventLines lines(path);
  while (lines.next()) {
    if (lines.text().empty()) continue;
    if (!lines.event().is_object()) {
      run.warnings.push_back(
          fmt::format("{}, line {}: not a JSON object: left out", kMetricsFile, lines.number()));
      continue;
    }
    try {
      take(lines.event(), run);
    } catch (const json::exception&) {
      fail(fmt::format("{}:{}", path.string(), lines.number()),
           "not an event that this version knows");
    }
  }
  if (!lines.is_readable()) fail(path.string(), "cannot be read to its end");
}

Classification read_classification(const std::filesystem::path& path) {
  const auto document = read_document(path);
  try {
    Classification result{
        .classes = document.at("classes"), .confusion = document.at("confusion"), .mistakes = {}};
    const auto classes = result.classes.size();
    bool square = classes <= kMaxClasses && result.confusion.size() == classes;
    for (const auto& row : result.confusion) square = square && row.size() == classes;
    for (const auto& entry : document.at("mistakes")) {
      result.mistakes.push_back({entry.at("index"), entry.at("label"), entry.at("predicted"),
                                 entry.at("confidence"), entry.value("png_base64", "")});
      const auto& mistake = result.mistakes.back();
      square = square && mistake.label < classes && mistake.predicted < classes;
    }
    if (!square) fail(path.string(), "classes that do not fit together");
    return result;
  } catch (const json::exception&) {
    fail(path.string(), "lacks what belongs in it");
  }
}

}  // namespace

std::int64_t Classification::of_label(std::size_t label) const {
  const auto& row = confusion.at(label);
  return std::accumulate(row.begin(), row.end(), std::int64_t{0});
}

std::int64_t Classification::predicted_as(std::size_t predicted) const {
  return std::accumulate(
      confusion.begin(), confusion.end(), std::int64_t{0},
      [predicted](std::int64_t sum, const auto& row) { return sum + row.at(predicted); });
}

std::string Run::option(const std::string& key) const {
  const auto options = config.find("options");
  if (options == config.end() || !options->is_object()) return {};
  const auto found = options->find(key);
  if (found == options->end()) return {};
  return found->is_string() ? found->get<std::string>() : found->dump();
}

std::int64_t Run::world_size() const {
  const auto found = config.find("world_size");
  return found != config.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

bool is_run(const std::filesystem::path& folder) {
  std::error_code error;
  return std::filesystem::exists(folder / kMetricsFile, error);
}

Run read_run(const std::filesystem::path& folder) {
  auto name = folder.lexically_normal();
  if (!name.has_filename()) name = name.parent_path();
  Run run{.name = name.filename().string()};
  run.config = read_document(folder / "config.json");
  read_events(folder / kMetricsFile, run);
  std::error_code error;
  const auto predictions = folder / "predictions.json";
  if (std::filesystem::exists(predictions, error)) {
    run.classification = read_classification(predictions);
  }
  return run;
}

}  // namespace lockstep::report

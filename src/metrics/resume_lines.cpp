#include <fstream>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <lockstep/base/error.hpp>
#include <lockstep/base/file.hpp>
#include <lockstep/metrics/resume_lines.hpp>

namespace lockstep::metrics {
namespace {

using nlohmann::json;

struct Line {
  std::string text;
  json event;
};

/// All whole lines; an end without a line feed is what a killed run leaves.
std::vector<Line> read_lines(const std::filesystem::path& path) {
  std::vector<Line> lines;
  std::ifstream file(path, std::ios::binary);
  for (std::string text; std::getline(file, text);) {
    const bool whole = !file.eof();
    auto event = json::parse(text, nullptr, false);
    if (!whole) break;
    if (!event.is_object()) {
      throw DataError(fmt::format("{}: line {} is no JSON object: mend or remove it", path.string(),
                                  lines.size() + 1));
    }
    lines.push_back({text, std::move(event)});
  }
  return lines;
}

std::int64_t number(const json& event, const char* name) {
  const auto found = event.find(name);
  return found != event.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

bool is_past(const json& event, std::int64_t steps, std::int64_t epoch) {
  const auto found = event.find("event");
  const auto kind = found != event.end() && found->is_string() ? found->get<std::string>() : "";
  if (kind == "train" || kind == "checkpoint") return number(event, "step") > steps;
  if (kind == "epoch" || kind == "test" || kind == "validation") {
    return number(event, "epoch") >= epoch;
  }
  if (kind != "run_end") return false;
  return number(event, "steps") > steps || event.value("status", json()) == "completed";
}

}  // namespace

void drop_lines_past(const std::filesystem::path& path, std::int64_t steps, std::int64_t epoch) {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(path, error);
  if (error) return;
  std::string kept;
  for (const auto& line : read_lines(path)) {
    if (!is_past(line.event, steps, epoch)) kept += line.text + "\n";
  }
  if (kept.size() != bytes) write_file_atomically(path, kept);
}

bool says_completed(const std::filesystem::path& path, std::int64_t steps) {
  const auto lines = read_lines(path);
  if (lines.empty()) return false;
  const auto& last = lines.back().event;
  return last.value("event", json()) == "run_end" && last.value("status", json()) == "completed" &&
         number(last, "steps") == steps;
}

}  // namespace lockstep::metrics

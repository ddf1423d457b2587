#include <string>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <lockstep/base/file.hpp>
#include <lockstep/metrics/event_lines.hpp>
#include <lockstep/metrics/resume_lines.hpp>

namespace lockstep::metrics {
namespace {

using nlohmann::json;

std::int64_t number(const json& event, const char* name) {
  const auto found = event.find(name);
  return found != event.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

bool is_past(const json& event, std::int64_t steps, std::int64_t epoch, bool is_trained) {
  const auto found = event.find("event");
  const auto kind = found != event.end() && found->is_string() ? found->get<std::string>() : "";
  if (kind == "train" || kind == "checkpoint") return number(event, "step") > steps;
  if (kind == "epoch") return number(event, "epoch") >= epoch + (is_trained ? 1 : 0);
  if (kind.ends_with("test") || kind.ends_with("validation")) {
    return number(event, "epoch") >= epoch;
  }
  if (kind != "run_end") return false;
  return number(event, "steps") > steps || event.value("status", json()) == "completed";
}

}  // namespace

std::string drop_lines_past(const std::filesystem::path& path, std::int64_t steps,
                            std::int64_t epoch, bool is_trained) {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(path, error);
  if (error) return {};
  std::string kept;
  std::int64_t damaged = 0;
  std::int64_t first_damaged = 0;
  EventLines lines(path);
  while (lines.next()) {
    if (lines.text().empty()) continue;
    if (lines.event().is_object()) {
      if (!is_past(lines.event(), steps, epoch, is_trained)) kept.append(lines.text()) += '\n';
    } else if (damaged++ == 0) {
      first_damaged = lines.number();
    }
  }
  if (!lines.is_readable()) {
    return fmt::format("cannot read {}: events of this run's earlier part may be there twice",
                       path.string());
  }
  if (damaged == 0) {
    if (kept.size() != bytes) write_file_atomically(path, kept);
    return {};
  }
  auto aside = path;
  aside += ".damaged";
  std::filesystem::copy_file(path, aside, std::filesystem::copy_options::overwrite_existing, error);
  write_file_atomically(path, kept);
  return fmt::format(
      "{}: {} is not a JSON object: left out{}", path.string(),
      damaged == 1 ? fmt::format("line {}", first_damaged)
                   : fmt::format("line {}, and {} more,", first_damaged, damaged - 1),
      error ? std::string() : fmt::format("; the file as it was is {}", aside.string()));
}

bool says_completed(const std::filesystem::path& path, std::int64_t steps) {
  json last = json::object();
  EventLines lines(path);
  while (lines.next()) {
    if (lines.event().is_object()) last = lines.event();
  }
  return last.value("event", json()) == "run_end" && last.value("status", json()) == "completed" &&
         number(last, "steps") == steps;
}

}  // namespace lockstep::metrics

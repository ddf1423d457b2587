#include "event_sinks.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <lockstep/base/terminal.hpp>

namespace lockstep::app {
namespace {

std::optional<Terminal> progress_terminal(train::Progress wanted) {
  if (wanted == train::Progress::kOff) return std::nullopt;
  auto terminal = Terminal::behind_standard_error();
  if (!terminal && wanted == train::Progress::kOn) return Terminal::standard_error();
  return terminal;
}

std::vector<std::pair<std::string, std::string>> texts_of(const nlohmann::ordered_json& values) {
  std::vector<std::pair<std::string, std::string>> texts;
  for (const auto& [name, value] : values.items()) {
    texts.emplace_back(name, value.is_string() ? value.get<std::string>() : value.dump());
  }
  return texts;
}

}  // namespace

std::unique_ptr<metrics::EventSink> make_event_sinks(const train::OutputOptions& options,
                                                     const nlohmann::ordered_json& values,
                                                     const std::filesystem::path& folder) {
  std::vector<std::unique_ptr<metrics::EventSink>> sinks;
  // First, because it gives way to those that print.
  if (auto terminal = progress_terminal(options.progress)) {
    sinks.push_back(metrics::make_progress_sink(*std::move(terminal)));
  }
  sinks.push_back(metrics::make_json_lines_sink(folder / "metrics.jsonl"));
  if (options.tensorboard) {
    sinks.push_back(metrics::make_tensorboard_sink(folder, texts_of(values)));
  }
  sinks.push_back(metrics::make_console_sink());
  sinks.push_back(metrics::make_summary_sink(Log(Log::Level::kInfo)));
  return metrics::make_fan_out_sink(std::move(sinks));
}

}  // namespace lockstep::app

#include "event_sinks.hpp"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/base/terminal.hpp>
#include <lockstep/metrics/event_lines.hpp>

namespace lockstep::session {
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
  // First, because it clears its line for those that print.
  if (auto terminal = progress_terminal(options.progress)) {
    sinks.push_back(metrics::make_progress_sink(*std::move(terminal)));
  }
  sinks.push_back(metrics::make_json_lines_sink(folder / metrics::kMetricsFile));
  auto& record = *sinks.back();
  if (options.tensorboard) {
    sinks.push_back(
        metrics::make_tensorboard_sink(folder, texts_of(values), options.histogram_every));
  }
  const Log log(Log::Level::kInfo);
  sinks.push_back(metrics::make_console_sink([&record, log](const RuntimeFailure& failure) {
    const auto text = fmt::format("{}: its lines are lost, and training goes on", failure.what());
    log.warning(text);
    record.on(metrics::Warning{text});  // standard error may have gone the same way
  }));
  sinks.push_back(metrics::make_summary_sink(log));
  return metrics::make_fan_out_sink(std::move(sinks));
}

}  // namespace lockstep::session

// Reading metrics.jsonl: for those that resume, compare and report on runs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace lockstep::metrics {

/// The name of a run's file of events, in its folder.
inline constexpr const char* kMetricsFile = "metrics.jsonl";

/// No event has a longer line.
inline constexpr std::size_t kMaxEventBytes = std::size_t{1} << 20U;

/// The whole lines of a file of events, in order. An end without a line feed is what a killed run
/// leaves: it is no line. Damaged lines are told by their event, and never end the reading.
class EventLines {
 public:
  explicit EventLines(const std::filesystem::path& path);

  /// Goes on to the next line. False at the end, and where the file cannot be read.
  [[nodiscard]] bool next();
  [[nodiscard]] bool is_readable() const { return file_.is_open() && !file_.bad(); }
  /// Of the line, from 1.
  [[nodiscard]] std::int64_t number() const { return number_; }
  /// Without its line feed; the beginning of a line that is too long.
  [[nodiscard]] std::string_view text() const { return text_; }
  [[nodiscard]] bool is_too_long() const { return too_long_; }
  /// No object where the line is empty, too long or damaged.
  [[nodiscard]] const nlohmann::json& event() const { return event_; }

 private:
  std::ifstream file_;
  std::string buffer_ = std::string(kMaxEventBytes, '\0');
  std::string_view text_;
  nlohmann::json event_;
  std::int64_t number_ = 0;
  bool too_long_ = false;
};

}  // namespace lockstep::metrics

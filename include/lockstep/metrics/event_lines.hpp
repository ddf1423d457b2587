// Reading metrics.jsonl, to resume, compare and report on runs.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace lockstep::metrics {

/// The name of a run's event file, in its folder.
inline constexpr const char* kMetricsFile = "metrics.jsonl";

/// No event's line is longer.
inline constexpr std::size_t kMaxEventBytes = std::size_t{1} << 20U;

/// The whole lines of an event file, in order. Skips a last line without a line feed, which a
/// killed run leaves. Damaged lines can be told by their `event`; they never stop the reading.
class EventLines {
 public:
  explicit EventLines(const std::filesystem::path& path);

  /// Advances to the next line. False at the end, or if the file cannot be read.
  [[nodiscard]] bool next();
  [[nodiscard]] bool is_readable() const { return file_.is_open() && !file_.bad(); }
  /// The number of the line, from 1.
  [[nodiscard]] std::int64_t number() const { return number_; }
  /// The line without its line feed, or the beginning of a line that is too long.
  [[nodiscard]] std::string_view text() const { return text_; }
  [[nodiscard]] bool is_too_long() const { return too_long_; }
  /// The event on the line; not an object if the line is empty, too long or damaged.
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

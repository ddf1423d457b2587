// Diagnostics for the person at the terminal, on standard error, one line each.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace spdlog {
class logger;
}

namespace lockstep {

/// `text` with spaces in place of line ends and other control characters, which file names and
/// values may contain.
[[nodiscard]] std::string one_line(std::string_view text);

/// Writes "lockstep: …" lines to standard error. Copies share one sink; thread-safe.
/// Errors that end the program are not logged here: `main` prints them, once.
class Log {
 public:
  enum class Level { kInfo, kWarning };

  /// Lines below `threshold` are dropped: ranks other than 0 show warnings only.
  explicit Log(Level threshold);

  void info(std::string_view line) const;
  void warning(std::string_view line) const;
  /// The one line that says why the program ends: "lockstep: error: …". Writes `text` unchanged.
  void error(std::string_view text) const;

 private:
  std::shared_ptr<spdlog::logger> logger_;
};

}  // namespace lockstep

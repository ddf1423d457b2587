#include <algorithm>
#include <cctype>

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <lockstep/base/log.hpp>
#include <lockstep/base/terminal.hpp>

namespace lockstep {

std::string one_line(std::string_view text) {
  std::string line(text);
  std::replace_if(
      line.begin(), line.end(), [](unsigned char c) { return std::iscntrl(c) != 0; }, ' ');
  return line;
}

Log::Log(Level threshold)
    : logger_(std::make_shared<spdlog::logger>("lockstep",
                                               std::make_shared<spdlog::sinks::stderr_sink_mt>())) {
  // Erases a status line, which an unannounced message would tear.
  const bool on_terminal = Terminal::behind_standard_error().has_value();
  logger_->set_pattern(std::string(on_terminal ? kEraseLine : "") + "lockstep: %v");
  logger_->set_level(threshold == Level::kInfo ? spdlog::level::info : spdlog::level::warn);
  logger_->flush_on(spdlog::level::info);
}

void Log::info(std::string_view line) const {
  logger_->info("{}", one_line(line));
}

void Log::warning(std::string_view line) const {
  logger_->warn("warning: {}", one_line(line));
}

void Log::error(std::string_view text) const {
  logger_->error("error: {}", text);
}

}  // namespace lockstep

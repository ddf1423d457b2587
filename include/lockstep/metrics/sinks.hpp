// Where events go: the tutorial's lines on standard output, JSON lines in a file, people.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include <lockstep/base/log.hpp>
#include <lockstep/metrics/events.hpp>

namespace lockstep::metrics {

/// Prints the tutorial's lines, byte for byte, on standard output, flushed a line at a time.
/// Source: https://docs.pytorch.org/tutorials/beginner/basics/optimization_tutorial.html
[[nodiscard]] std::unique_ptr<EventSink> make_console_sink();

/// Appends one JSON object and one `write` a line to `path` (metrics.jsonl; the schema is in
/// docs/files.md). Throws RuntimeFailure if the file cannot be opened; lines that cannot be written
/// later are left out, which is told once.
[[nodiscard]] std::unique_ptr<EventSink> make_json_lines_sink(const std::filesystem::path& path);

/// One line an epoch, and validation figures, on standard error.
[[nodiscard]] std::unique_ptr<EventSink> make_summary_sink(const Log& log);

/// Passes each event on to all of `sinks`.
[[nodiscard]] std::unique_ptr<EventSink> make_fan_out_sink(
    std::vector<std::unique_ptr<EventSink>> sinks);

}  // namespace lockstep::metrics

// Where events go: the tutorial's lines on standard output, JSON lines in a file, people.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <lockstep/base/error.hpp>
#include <lockstep/base/log.hpp>
#include <lockstep/base/terminal.hpp>
#include <lockstep/metrics/events.hpp>

namespace lockstep::metrics {

/// Prints the tutorial's lines, byte for byte, on standard output, flushed a line at a time.
/// Lines that cannot be written are left out; the first time, `tell_of_failure` gets the reason.
/// Source: https://docs.pytorch.org/tutorials/beginner/basics/optimization_tutorial.html
[[nodiscard]] std::unique_ptr<EventSink> make_console_sink(
    std::function<void(const RuntimeFailure&)> tell_of_failure);
/// The same, which throws RuntimeFailure.
[[nodiscard]] std::unique_ptr<EventSink> make_console_sink();

/// Appends one JSON object and one `write` a line to `path` (metrics.jsonl; the schema is in
/// docs/files.md). Throws RuntimeFailure if the file cannot be opened; lines that cannot be written
/// later are left out, which is told once.
[[nodiscard]] std::unique_ptr<EventSink> make_json_lines_sink(const std::filesystem::path& path);

/// One line an epoch, and validation figures, on standard error.
[[nodiscard]] std::unique_ptr<EventSink> make_summary_sink(const Log& log);

/// The state of the run in a line at the bottom of `terminal`, some times a second: epoch, its
/// share done, images/s, the last step's loss, time left in the run. Gives way before any event of
/// which others may print a line, so it must be the first of a fan-out. `now` reads the clock;
/// tests give one of their own.
[[nodiscard]] std::unique_ptr<EventSink> make_progress_sink(
    Terminal terminal,
    std::function<std::chrono::steady_clock::time_point()> now = std::chrono::steady_clock::now);

/// An event file for TensorBoard in `folder`, a new one with each start of the run; docs/files.md
/// has its tags. `options`: every option's value, for the text that it shows. Needs the gradient's
/// norm, and histograms every so many epochs (0: none). What cannot be written is left out, which
/// is told once. Source: the message definitions event.proto and summary.proto, and the record
/// format of record_writer.h, of TensorFlow 2.
[[nodiscard]] std::unique_ptr<EventSink> make_tensorboard_sink(
    const std::filesystem::path& folder, std::vector<std::pair<std::string, std::string>> options,
    std::int64_t histogram_every = 0);

/// Passes each event on to all of `sinks`.
[[nodiscard]] std::unique_ptr<EventSink> make_fan_out_sink(
    std::vector<std::unique_ptr<EventSink>> sinks);

}  // namespace lockstep::metrics

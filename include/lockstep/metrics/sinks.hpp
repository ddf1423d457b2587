// Where events go: the tutorial's lines on standard output, JSON lines, messages and a progress
// line for people, TensorBoard.
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

/// Prints the tutorial's lines, byte for byte, on standard output, flushing each line. Lines that
/// cannot be written are dropped; `tell_of_failure` gets the reason of the first failure.
/// Source: https://docs.pytorch.org/tutorials/beginner/basics/optimization_tutorial.html
[[nodiscard]] std::unique_ptr<EventSink> make_console_sink(
    std::function<void(const RuntimeFailure&)> tell_of_failure);
/// The same, but throws RuntimeFailure.
[[nodiscard]] std::unique_ptr<EventSink> make_console_sink();

/// Appends events to `path`, each as one JSON object on a line, with one `write` (metrics.jsonl;
/// docs/files.md has the schema). Throws RuntimeFailure if the file cannot be opened; lines that
/// cannot be written later are dropped, with one warning.
[[nodiscard]] std::unique_ptr<EventSink> make_json_lines_sink(const std::filesystem::path& path);

/// Prints one line per epoch, and validation results, on standard error.
[[nodiscard]] std::unique_ptr<EventSink> make_summary_sink(const Log& log);

/// Shows the state of the run in a line at the bottom of `terminal`, several times a second: epoch,
/// how much of it is done, images/s, the last step's loss, and the time left in the run. It clears
/// the line before any event for which others may print one, so it must be the first of a fan-out.
/// `now` reads the clock; tests pass their own.
[[nodiscard]] std::unique_ptr<EventSink> make_progress_sink(
    Terminal terminal,
    std::function<std::chrono::steady_clock::time_point()> now = std::chrono::steady_clock::now);

/// Writes an event file for TensorBoard in `folder`, a new one for each start of the run;
/// docs/files.md lists its tags. `options`: every option's value, shown as text. Needs the
/// gradient's norm and, every `histogram_every` epochs (0: never), histograms. What cannot be
/// written is dropped, with one warning. Source: the message definitions event.proto and
/// summary.proto, and the record format of record_writer.h, of TensorFlow 2.
[[nodiscard]] std::unique_ptr<EventSink> make_tensorboard_sink(
    const std::filesystem::path& folder, std::vector<std::pair<std::string, std::string>> options,
    std::int64_t histogram_every = 0);

/// Passes each event on to all of `sinks`.
[[nodiscard]] std::unique_ptr<EventSink> make_fan_out_sink(
    std::vector<std::unique_ptr<EventSink>> sinks);

}  // namespace lockstep::metrics

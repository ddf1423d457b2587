// TensorBoard's file format: records of protocol buffers with checksums.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <lockstep/base/file.hpp>
#include <lockstep/base/log.hpp>
#include <lockstep/metrics/events.hpp>

namespace lockstep::metrics {

/// The values of one step, as a serialized tensorflow.Summary.
class Summary {
 public:
  void add_scalar(std::string_view tag, double value);
  void add_histogram(const Histogram& histogram);
  /// Markdown.
  void add_text(std::string_view tag, std::string_view text);

  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

/// Appends events, each with one `write`. A record that cannot be written is dropped as a whole; it
/// warns once, until a record can be written again. One thread.
class EventFile {
 public:
  /// Makes events.out.tfevents.<time>.<host>.<process id> in `folder`. From `first_step` on, steps
  /// in earlier files no longer count. TensorBoard reads files in the order of their names, so the
  /// time begins after that of earlier files, even if this host's clock is behind. A failure is
  /// reported, and then nothing is written.
  EventFile(const std::filesystem::path& folder, std::int64_t first_step);

  void write(const Summary& summary, std::int64_t step);

 private:
  [[nodiscard]] std::string event_now();
  void append(std::string_view event);

  double last_seconds_;         // since 1970, of the last event; never less than in earlier files
  std::filesystem::path path_;  // declared after it, since it is made from it
  FileDescriptor file_;
  Log log_{Log::Level::kInfo};
  bool told_ = false;  // whether the loss of records was reported
};

}  // namespace lockstep::metrics

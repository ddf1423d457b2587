// What a rank did when: spans of time, and a file that shows those of all ranks in Perfetto.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace lockstep::metrics {

/// A piece of a step.
struct Span {
  std::string name;  ///< "data", "forward", "backward", "waiting", "optimizer", "all-reduce"
  std::int64_t step = 0;
  int bucket = -1;  ///< of an all-reduce; −1: none
  std::chrono::steady_clock::time_point begin{};
  double seconds = 0;
};

/// Spans of some steps, in the order in which they were added; at most `kMaxSpans`, and further
/// ones are dropped. One thread.
class TraceRecorder {
 public:
  static constexpr std::size_t kMaxSpans = 200'000;

  /// Spans added from now on belong to `step`.
  void begin_step(std::int64_t step) { step_ = step; }
  void add(const char* name, std::chrono::steady_clock::time_point begin, double seconds,
           int bucket = -1);
  [[nodiscard]] const std::vector<Span>& spans() const { return spans_; }

 private:
  std::int64_t step_ = 0;
  std::vector<Span> spans_;
};

/// A rank's part of a trace.
struct RankTrace {
  int rank = 0;
  std::string host{};
  double clock_offset_seconds = 0;  ///< how far its clock is ahead of rank 0's
  double uncertainty_seconds = 0;   ///< of that offset, plus or minus
  std::vector<Span> spans{};
};

/// Encodes one rank's part as text, to send it to rank 0, and decodes it there.
[[nodiscard]] std::string encode_trace(const RankTrace& trace);
[[nodiscard]] RankTrace decode_trace(const std::string& text);

/// The content of the file: one process per rank, with a thread for its computation and one for its
/// all-reduces. Times are in microseconds of rank 0's clock since the first span.
/// Source: "Trace Event Format", Google; opens in https://ui.perfetto.dev.
[[nodiscard]] std::string chrome_trace(const std::vector<RankTrace>& ranks);

}  // namespace lockstep::metrics

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <lockstep/base/json_text.hpp>
#include <lockstep/metrics/trace.hpp>

namespace lockstep::metrics {
namespace {

using Json = nlohmann::ordered_json;
using Clock = std::chrono::steady_clock;

constexpr const char* kAllReduce = "all-reduce";

// To Perfetto, process and thread 0 are the idle task, whose threads it shows as one: all ids start
// at 1.
enum Thread : std::uint8_t { kComputation = 1, kCommunication };

int process_of(int rank) {
  return rank + 1;
}

double seconds_of(Clock::time_point time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

/// To the nanosecond, the resolution of the clocks.
double microseconds(double seconds) {
  constexpr double kNanosecondsPerSecond = 1e9;
  constexpr double kNanosecondsPerMicrosecond = 1e3;
  return std::round(seconds * kNanosecondsPerSecond) / kNanosecondsPerMicrosecond;
}

Json name_event(const char* kind, int rank, int thread, const std::string& name) {
  return {{"name", kind},
          {"ph", "M"},
          {"pid", process_of(rank)},
          {"tid", thread},
          {"args", {{"name", name}}}};
}

Json span_event(const RankTrace& rank, const Span& span, double origin) {
  const bool all_reduce = span.name == kAllReduce;
  Json arguments = {{"step", span.step}};
  auto name = span.name;
  if (all_reduce) {
    arguments["bucket"] = span.bucket;
    name = fmt::format("all-reduce of bucket {}", span.bucket);
  }
  const double begin = seconds_of(span.begin) - rank.clock_offset_seconds - origin;
  return {{"name", name},
          {"cat", all_reduce ? "communication" : "computation"},
          {"ph", "X"},
          {"pid", process_of(rank.rank)},
          {"tid", all_reduce ? kCommunication : kComputation},
          {"ts", microseconds(begin)},
          {"dur", microseconds(span.seconds)},
          {"args", arguments}};
}

}  // namespace

void TraceRecorder::add(const char* name, Clock::time_point begin, double seconds, int bucket) {
  if (spans_.size() == kMaxSpans) return;
  spans_.push_back({name, step_, bucket, begin, seconds});
}

std::string encode_trace(const RankTrace& trace) {
  auto spans = Json::array();
  for (const auto& span : trace.spans) {
    spans.push_back(
        {span.name, span.step, span.bucket, span.begin.time_since_epoch().count(), span.seconds});
  }
  const Json document = {trace.rank, trace.host, trace.clock_offset_seconds,
                         trace.uncertainty_seconds, spans};
  return json_line(document);
}

RankTrace decode_trace(const std::string& text) {
  const auto document = Json::parse(text);
  RankTrace trace{document.at(0), document.at(1), document.at(2), document.at(3), {}};
  for (const auto& span : document.at(4)) {
    const Clock::duration since_start(span.at(3).get<Clock::rep>());
    trace.spans.push_back(
        {span.at(0), span.at(1), span.at(2), Clock::time_point(since_start), span.at(4)});
  }
  return trace;
}

std::string chrome_trace(const std::vector<RankTrace>& ranks) {
  double origin = std::numeric_limits<double>::infinity();
  for (const auto& rank : ranks) {
    for (const auto& span : rank.spans) {
      origin = std::min(origin, seconds_of(span.begin) - rank.clock_offset_seconds);
    }
  }
  auto events = Json::array();
  auto uncertainties = Json::array();
  for (const auto& rank : ranks) {
    const auto name = fmt::format("rank {} ({})", rank.rank, rank.host);
    events.push_back(name_event("process_name", rank.rank, kComputation, name));
    events.push_back(name_event("thread_name", rank.rank, kComputation, "computation"));
    events.push_back(name_event("thread_name", rank.rank, kCommunication, kAllReduce));
    uncertainties.push_back(microseconds(rank.uncertainty_seconds));
    for (const auto& span : rank.spans) events.push_back(span_event(rank, span, origin));
  }
  const Json document = {{"displayTimeUnit", "ms"},
                         {"otherData", {{"clock_uncertainty_us", uncertainties}}},
                         {"traceEvents", events}};
  return json_line(document) + "\n";
}

}  // namespace lockstep::metrics

#include <chrono>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/base/result_file.hpp>
#include <lockstep/comm/clock_offset.hpp>
#include <lockstep/comm/gather.hpp>
#include <lockstep/train/step_trace.hpp>

namespace lockstep::train {
namespace {

/// Other ranks wait meanwhile, and must not think that this one is stuck.
constexpr auto kPatienceWithReaders = std::chrono::seconds(5);

}  // namespace

StepTrace::StepTrace(const OutputOptions& options, metrics::StepTimer& timer,
                     comm::Communicator& control, const runtime::RankLayout& layout)
    : file_(options.trace),
      first_(options.trace_first_step),
      last_(options.trace_first_step + options.trace_steps - 1),
      timer_(timer),
      control_(control),
      layout_(layout) {}

void StepTrace::begin_step(std::int64_t step) {
  recording_ = !file_.empty() && step >= first_ && step <= last_;
  if (!recording_) return;
  recorder_.begin_step(step);
  timer_.record_into(&recorder_);
}

void StepTrace::add_communication(const sync::StepSeconds& seconds,
                                  const std::vector<comm::OperationTime>& buckets) {
  if (!recording_) return;
  if (control_.size() > 1) recorder_.add("waiting", seconds.wait.begin, seconds.wait.seconds);
  int bucket = 0;
  for (const auto& time : buckets) {
    if (time.seconds > 0) recorder_.add("all-reduce", time.begin, time.seconds, bucket);
    ++bucket;
  }
}

void StepTrace::end_step(std::int64_t step, metrics::EventSink& events) {
  if (!recording_) return;
  recording_ = false;
  timer_.record_into(nullptr);
  if (step == last_) write(events);
}

void StepTrace::finish(metrics::EventSink& events) {
  if (file_.empty()) return;
  if (!recorder_.spans().empty()) return write(events);
  events.on(metrics::Warning{
      fmt::format("no trace is written to {}: this start of the run took none of steps {} to {}, "
                  "which the trace should show",
                  file_, first_, last_)});
  file_.clear();
}

void StepTrace::write(metrics::EventSink& events) {
  const auto offset = comm::measure_clock_offset(control_);
  const auto texts = comm::gather_texts(
      control_, metrics::encode_trace({layout_.rank, layout_.host, offset.seconds,
                                       offset.uncertainty, recorder_.spans()}));
  if (control_.rank() == 0) {
    std::vector<metrics::RankTrace> ranks;
    for (const auto& text : texts) ranks.push_back(metrics::decode_trace(text));
    try {
      write_result_file(file_, metrics::chrome_trace(ranks), kPatienceWithReaders);
    } catch (const RuntimeFailure& failure) {
      events.on(metrics::Warning{fmt::format("no trace: {}", failure.what())});
    }
  }
  file_.clear();
}

}  // namespace lockstep::train

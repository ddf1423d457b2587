// Some steps of all ranks on one time line, in a file.
#pragma once

#include <cstdint>

#include <lockstep/comm/communicator.hpp>
#include <lockstep/metrics/events.hpp>
#include <lockstep/metrics/step_timer.hpp>
#include <lockstep/metrics/trace.hpp>
#include <lockstep/runtime/rank_layout.hpp>
#include <lockstep/sync/gradient_reducer.hpp>
#include <lockstep/train/options.hpp>

namespace lockstep::train {

/// Records the steps that the options choose, if they name a file. One thread. All ranks use it at
/// the same points.
class StepTrace {
 public:
  /// Everything referred to must outlive it.
  StepTrace(const OutputOptions& options, metrics::StepTimer& timer, comm::Communicator& control,
            const runtime::RankLayout& layout);

  /// Step `step` of the run begins.
  void begin_step(std::int64_t step);
  /// Its gradients have been summed.
  void add_communication(const sync::StepSeconds& seconds,
                         const std::vector<comm::OperationTime>& buckets);
  /// The step has ended. After the last step to record, does the same as `finish`.
  void end_step(std::int64_t step, metrics::EventSink& events);
  /// Collective, if anything has not been written yet: rank 0 writes the file. Warns if that fails,
  /// or if no step was recorded.
  void finish(metrics::EventSink& events);

 private:
  void write(metrics::EventSink& events);

  std::string file_;  // empty: nothing to do, or done
  std::int64_t first_;
  std::int64_t last_;
  metrics::StepTimer& timer_;
  comm::Communicator& control_;
  const runtime::RankLayout& layout_;
  metrics::TraceRecorder recorder_;
  bool recording_ = false;
};

}  // namespace lockstep::train

// What happens in a run, as plain structs, and the interface for receiving it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace lockstep::metrics {

struct RunStart {
  int world_size = 1;
  std::string device{};  ///< "cpu" or "cuda"
  int threads = 1;       ///< compute threads per rank
  std::int64_t global_batch_size = 0;
  std::int64_t steps_per_epoch = 0;
  std::int64_t epochs = 0;
  std::int64_t total_steps = 0;   ///< steps at which the run is complete
  std::int64_t steps_before = 0;  ///< steps of the run before this start
  double startup_seconds = 0;     ///< from the start of the process to the first step
};

struct EpochStart {
  std::int64_t epoch = 0;  ///< from 1
};

/// A step has ended, and its totals are known.
struct StepEnd {
  std::int64_t epoch = 0;
  std::int64_t step = 0;     ///< optimizer steps of the whole run, from 1
  std::int64_t samples = 0;  ///< of this epoch so far, over all ranks
  std::int64_t samples_per_epoch = 0;
  double loss = 0;  ///< mean over the step's samples on all ranks
};

/// The state after a step that is to be logged.
struct TrainStep {
  std::int64_t epoch = 0;
  std::int64_t step = 0;     ///< optimizer steps of the whole run, from 1
  std::int64_t samples = 0;  ///< of this epoch so far, over all ranks
  std::int64_t samples_per_epoch = 0;
  double loss = 0;  ///< mean over the step's samples on all ranks
  double learning_rate = 0;
  double images_per_second = 0;  ///< since the previous line
  /// Euclidean norm of the step's gradient, summed over ranks, before clipping; only if asked for.
  std::optional<double> gradient_norm{};
};

/// One quantity over several steps, in milliseconds; percentiles by the nearest-rank method.
struct Distribution {
  double mean = 0;
  double p50 = 0;
  double p95 = 0;
  double p99 = 0;
};

/// Where rank 0's steps spent their time.
struct StepTimes {
  Distribution data{};
  Distribution forward{};
  Distribution backward{};               ///< without exposed communication
  Distribution communication{};          ///< in collectives, hidden or not
  Distribution exposed_communication{};  ///< the part that computation waited for
  Distribution optimizer{};
  Distribution step{};  ///< whole steps
};

/// The values behind `StepTimes`, step by step, in milliseconds.
struct StepSeries {
  std::vector<double> step{};
  std::vector<double> exposed_communication{};
};

/// The rank whose own work took longest, and where it lost that time.
struct SlowestRank {
  int rank = 0;
  std::string host{};
  std::string phase{};   ///< "data", "forward", "backward" or "optimizer"
  double busy_ms = 0;    ///< mean of its steps, without waiting for others
  double median_ms = 0;  ///< the same for the median rank
};

struct EpochEnd {
  std::int64_t epoch = 0;
  std::int64_t step = 0;  ///< the last step of the run so far
  double train_loss = 0;  ///< mean over the epoch's samples
  double seconds = 0;     ///< training alone, first batch to last step, since the start or resume
  double images_per_second = 0;
  StepTimes times{};
  StepSeries series{};
  SlowestRank slowest{};
};

/// The outcome of saving a checkpoint.
struct CheckpointEvent {
  std::int64_t epoch = 0;
  std::int64_t step = 0;  ///< optimizer steps done by then
  std::string path{};
  double seconds = 0;                  ///< to write it, in parallel with training
  std::string failure{};               ///< why it could not be saved; empty on success
  std::vector<std::string> remarks{};  ///< what people should know although it was saved
};

/// Something that people should know, but that does not stop the run.
struct Warning {
  std::string text;
};

struct Evaluation {
  enum class Set : std::uint8_t { kValidation, kTest };
  Set set = Set::kTest;
  std::int64_t epoch = 0;
  std::int64_t step = 0;                  ///< optimizer steps before it
  std::optional<std::int64_t> correct{};  ///< absent where targets are numbers
  std::int64_t samples = 0;
  double average_loss = 0;  ///< mean over batches of their mean losses, as in the tutorial
  bool of_average = false;  ///< with the moving average of the weights

  /// "test", "validation", "ema_test" or "ema_validation".
  [[nodiscard]] std::string name() const {
    return std::string(of_average ? "ema_" : "") + (set == Set::kTest ? "test" : "validation");
  }

  /// Fraction of the samples, 0–1; absent as `correct` is.
  [[nodiscard]] std::optional<double> accuracy() const {
    if (!correct || samples == 0) return std::nullopt;
    return static_cast<double>(*correct) / static_cast<double>(samples);
  }
  [[nodiscard]] std::optional<double> accuracy_percent() const {
    if (const auto fraction = accuracy()) return 100.0 * *fraction;
    return std::nullopt;
  }
};

/// How a tensor's elements are distributed.
struct Histogram {
  std::string tag{};  ///< "weights/linear_relu_stack.0.weight"
  double least = 0;
  double most = 0;
  double count = 0;
  double sum = 0;
  double sum_of_squares = 0;
  std::vector<double> counts{};  ///< in bins of equal width between least and most
};

/// Histograms of weights and gradients, after a step.
struct Histograms {
  std::int64_t step = 0;
  std::vector<Histogram> tensors{};
};

struct RunEnd {
  std::string status;  ///< "completed", or "preempted" by a signal
  std::int64_t steps = 0;
  double seconds = 0;
  std::string parameters_sha256{};
  bool early =
      false;  ///< completed before its last step, because the evaluations no longer improved
};

/// The events that sinks need and that slow down training.
struct SinkNeeds {
  bool gradient_norm = false;        ///< with each TrainStep
  std::int64_t histogram_every = 0;  ///< epochs between Histograms, or a divisor of that; 0: none
};

/// Receives events, on rank 0, in order, from one thread.
class EventSink {
 public:
  EventSink() = default;
  virtual ~EventSink() = default;
  EventSink(const EventSink&) = delete;
  EventSink& operator=(const EventSink&) = delete;
  EventSink(EventSink&&) = delete;
  EventSink& operator=(EventSink&&) = delete;

  virtual void on(const RunStart& /*event*/) {}
  virtual void on(const EpochStart& /*event*/) {}
  virtual void on(const StepEnd& /*event*/) {}
  virtual void on(const TrainStep& /*event*/) {}
  virtual void on(const EpochEnd& /*event*/) {}
  virtual void on(const Evaluation& /*event*/) {}
  virtual void on(const Histograms& /*event*/) {}
  virtual void on(const CheckpointEvent& /*event*/) {}
  virtual void on(const Warning& /*event*/) {}
  virtual void on(const RunEnd& /*event*/) {}

  [[nodiscard]] virtual SinkNeeds needs() const { return {}; }
};

}  // namespace lockstep::metrics

#include <numeric>
#include <utility>

#include <fmt/format.h>

#include <lockstep/metrics/sinks.hpp>

namespace lockstep::metrics {
namespace {

class SummarySink final : public EventSink {
 public:
  explicit SummarySink(Log log) : log_(std::move(log)) {}
  using EventSink::on;

  void on(const EpochEnd& event) override {
    if (event.series.step.empty()) return;  // resumed at the epoch's end: nothing new to report
    log_.info(fmt::format(
        "epoch {}: {:.2f} s, {:.0f} images/s, mean training loss {:.4f}, {:.0f} % of the step's "
        "time waiting for communication",
        event.epoch, event.seconds, event.images_per_second, event.train_loss,
        waiting_percent(event.times)));
  }
  void on(const CheckpointEvent& event) override {
    for (const auto& remark : event.remarks) log_.warning(remark);
    if (event.failure.empty()) return;
    log_.warning(fmt::format("the checkpoint of step {} was not saved, training goes on: {}",
                             event.step, event.failure));
  }
  void on(const Warning& event) override { log_.warning(event.text); }
  void on(const Evaluation& event) override {
    if (event.set != Evaluation::Set::kValidation) return;
    const auto percent = event.accuracy_percent();
    log_.info(fmt::format("validation{}: {}average loss {:.4f} ({} samples)",
                          event.of_average ? " of the averaged weights" : "",
                          percent ? fmt::format("accuracy {:.1f} %, ", *percent) : std::string(),
                          event.average_loss, event.samples));
  }

 private:
  static double waiting_percent(const StepTimes& times) {
    const double all = times.data.mean + times.forward.mean + times.backward.mean +
                       times.exposed_communication.mean + times.optimizer.mean;
    return all > 0 ? 100.0 * times.exposed_communication.mean / all : 0.0;
  }

  Log log_;
};

class FanOutSink final : public EventSink {
 public:
  explicit FanOutSink(std::vector<std::unique_ptr<EventSink>> sinks) : sinks_(std::move(sinks)) {}

  void on(const RunStart& event) override { pass_on(event); }
  void on(const EpochStart& event) override { pass_on(event); }
  void on(const StepEnd& event) override { pass_on(event); }
  void on(const TrainStep& event) override { pass_on(event); }
  void on(const EpochEnd& event) override { pass_on(event); }
  void on(const Evaluation& event) override { pass_on(event); }
  void on(const Histograms& event) override { pass_on(event); }
  void on(const CheckpointEvent& event) override { pass_on(event); }
  void on(const Warning& event) override { pass_on(event); }
  void on(const RunEnd& event) override { pass_on(event); }

  [[nodiscard]] SinkNeeds needs() const override {
    SinkNeeds all;
    for (const auto& sink : sinks_) {
      const auto one = sink->needs();
      all.gradient_norm = all.gradient_norm || one.gradient_norm;
      all.histogram_every = std::gcd(all.histogram_every, one.histogram_every);
    }
    return all;
  }

 private:
  template <typename Event>
  void pass_on(const Event& event) {
    for (const auto& sink : sinks_) sink->on(event);
  }

  std::vector<std::unique_ptr<EventSink>> sinks_;
};

}  // namespace

std::unique_ptr<EventSink> make_summary_sink(const Log& log) {
  return std::make_unique<SummarySink>(log);
}

std::unique_ptr<EventSink> make_fan_out_sink(std::vector<std::unique_ptr<EventSink>> sinks) {
  return std::make_unique<FanOutSink>(std::move(sinks));
}

}  // namespace lockstep::metrics

#include <optional>
#include <string>
#include <utility>

#include <fmt/format.h>

#include <lockstep/metrics/sinks.hpp>

#include "event_file.hpp"

namespace lockstep::metrics {
namespace {

using Options = std::vector<std::pair<std::string, std::string>>;

std::string markdown_of(const Options& options) {
  std::string text = "| option | value |\n|---|---|\n";
  for (const auto& [name, value] : options) text += fmt::format("| {} | `{}` |\n", name, value);
  return text;
}

class TensorBoardSink final : public EventSink {
 public:
  TensorBoardSink(std::filesystem::path folder, Options options, std::int64_t histogram_every)
      : folder_(std::move(folder)),
        options_(std::move(options)),
        histogram_every_(histogram_every) {}
  using EventSink::on;

  [[nodiscard]] SinkNeeds needs() const override {
    return {.gradient_norm = true, .histogram_every = histogram_every_};
  }

  void on(const RunStart& event) override {
    file_.emplace(folder_, event.steps_before + 1);
    Summary summary;
    summary.add_text("options", markdown_of(options_));
    file_->write(summary, event.steps_before);
  }
  void on(const TrainStep& event) override {
    Summary summary;
    summary.add_scalar("train/loss", event.loss);
    summary.add_scalar("train/learning_rate", event.learning_rate);
    if (event.gradient_norm) summary.add_scalar("train/gradient_norm", *event.gradient_norm);
    summary.add_scalar("perf/images_per_second", event.images_per_second);
    write(summary, event.step);
  }
  void on(const EpochEnd& event) override {
    const auto& times = event.times;
    const auto& slowest = event.slowest;
    Summary summary;
    summary.add_scalar("train/epoch_loss", event.train_loss);
    summary.add_scalar("time/data", times.data.mean);
    summary.add_scalar("time/forward", times.forward.mean);
    summary.add_scalar("time/backward", times.backward.mean);
    summary.add_scalar("time/communication", times.communication.mean);
    summary.add_scalar("time/exposed_communication", times.exposed_communication.mean);
    summary.add_scalar("time/optimizer", times.optimizer.mean);
    summary.add_scalar("time/step_p50", times.step.p50);
    summary.add_scalar("time/step_p99", times.step.p99);
    summary.add_scalar("ranks/slowest_rank", slowest.rank);
    summary.add_scalar("ranks/slowest_busy", slowest.busy_ms);
    summary.add_scalar("ranks/median_busy", slowest.median_ms);
    if (slowest.median_ms > 0) {
      summary.add_scalar("ranks/skew", slowest.busy_ms / slowest.median_ms - 1);
    }
    write(summary, event.step);
  }
  void on(const Evaluation& event) override {
    const auto set = event.name();
    Summary summary;
    if (const auto accuracy = event.accuracy()) summary.add_scalar(set + "/accuracy", *accuracy);
    summary.add_scalar(set + "/avg_loss", event.average_loss);
    write(summary, event.step);
  }
  void on(const Histograms& event) override {
    Summary summary;
    for (const auto& histogram : event.tensors) summary.add_histogram(histogram);
    write(summary, event.step);
  }

 private:
  void write(const Summary& summary, std::int64_t step) {
    if (file_) file_->write(summary, step);
  }

  std::filesystem::path folder_;
  Options options_;
  std::int64_t histogram_every_;
  std::optional<EventFile> file_;  // since the start of the run
};

}  // namespace

std::unique_ptr<EventSink> make_tensorboard_sink(const std::filesystem::path& folder,
                                                 Options options, std::int64_t histogram_every) {
  return std::make_unique<TensorBoardSink>(folder, std::move(options), histogram_every);
}

}  // namespace lockstep::metrics

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <lockstep/base/error.hpp>
#include <lockstep/base/file.hpp>
#include <lockstep/base/json_text.hpp>
#include <lockstep/metrics/sinks.hpp>

namespace lockstep::metrics {
namespace {

using Json = nlohmann::ordered_json;

class JsonLinesSink final : public EventSink {
 public:
  explicit JsonLinesSink(const std::filesystem::path& path)
      : path_(path), file_(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)) {
    if (file_.get() < 0) {
      const int reason = errno;
      throw RuntimeFailure(
          fmt::format("cannot write {}: {}", path.string(), system_error_text(reason)));
    }
  }
  using EventSink::on;

  void on(const RunStart& event) override {
    write({{"event", "run_start"},
           {"world_size", event.world_size},
           {"device", event.device},
           {"threads", event.threads},
           {"global_batch_size", event.global_batch_size},
           {"steps_per_epoch", event.steps_per_epoch},
           {"steps_before", event.steps_before},
           {"startup_seconds", event.startup_seconds}});
  }
  void on(const TrainStep& event) override {
    Json line = {{"event", "train"},
                 {"epoch", event.epoch},
                 {"step", event.step},
                 {"samples", event.samples},
                 {"loss", event.loss},
                 {"lr", event.learning_rate},
                 {"images_per_second", event.images_per_second}};
    if (event.gradient_norm) line["gradient_norm"] = *event.gradient_norm;
    write(line);
  }
  void on(const EpochEnd& event) override {
    const auto& times = event.times;
    write({{"event", "epoch"},
           {"epoch", event.epoch},
           {"train_loss", event.train_loss},
           {"seconds", event.seconds},
           {"images_per_second", event.images_per_second},
           {"data_ms", times.data.mean},
           {"forward_ms", times.forward.mean},
           {"backward_ms", times.backward.mean},
           {"communication_ms", times.communication.mean},
           {"exposed_communication_ms", times.exposed_communication.mean},
           {"optimizer_ms", times.optimizer.mean},
           {"step_ms_p50", times.step.p50},
           {"step_ms_p95", times.step.p95},
           {"step_ms_p99", times.step.p99},
           {"slowest_rank", event.slowest.rank},
           {"slowest_rank_host", event.slowest.host},
           {"slowest_rank_phase", event.slowest.phase},
           {"slowest_rank_busy_ms", event.slowest.busy_ms},
           {"median_rank_busy_ms", event.slowest.median_ms}});
  }
  void on(const CheckpointEvent& event) override {
    for (const auto& remark : event.remarks) on(Warning{remark});
    if (!event.failure.empty()) {
      return on(Warning{fmt::format("checkpoint of step {}: {}", event.step, event.failure)});
    }
    write({{"event", "checkpoint"},
           {"epoch", event.epoch},
           {"step", event.step},
           {"file", event.path},
           {"seconds", event.seconds}});
  }
  void on(const Warning& event) override { write({{"event", "warning"}, {"text", event.text}}); }
  void on(const Evaluation& event) override {
    Json line = {{"event", event.name()}, {"epoch", event.epoch}};
    const auto accuracy = event.accuracy();
    if (accuracy) line["correct"] = *event.correct;
    line["samples"] = event.samples;
    if (accuracy) line["accuracy"] = *accuracy;
    line["avg_loss"] = event.average_loss;
    write(line);
  }
  void on(const RunEnd& event) override {
    Json line = {{"event", "run_end"},
                 {"status", event.status},
                 {"steps", event.steps},
                 {"seconds", event.seconds},
                 {"parameters_sha256", event.parameters_sha256}};
    if (event.early) line["early"] = true;
    write(line);
  }

 private:
  /// A full disk must not end the training: lines that cannot be written are dropped as a whole.
  void write(const Json& object) {
    std::string line = json_line(object);
    line.push_back('\n');
    if (torn_) line.insert(line.begin(), '\n');
    const auto [failure, torn] = append_whole(file_.get(), as_byte_span(line), path_);
    torn_ = torn;
    if (!failure.empty() && !told_) {
      log_.warning(fmt::format("{}: its next lines are lost", failure));
    }
    told_ = !failure.empty();
  }

  std::filesystem::path path_;
  FileDescriptor file_;
  Log log_{Log::Level::kInfo};
  bool told_ = false;  // whether the loss of lines was reported
  bool torn_ = false;  // the last line has no end
};

}  // namespace

std::unique_ptr<EventSink> make_json_lines_sink(const std::filesystem::path& path) {
  return std::make_unique<JsonLinesSink>(path);
}

}  // namespace lockstep::metrics

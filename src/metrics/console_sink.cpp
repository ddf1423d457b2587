#include <fmt/format.h>

#include <lockstep/base/file.hpp>
#include <lockstep/metrics/sinks.hpp>

namespace lockstep::metrics {
namespace {

class ConsoleSink final : public EventSink {
 public:
  using EventSink::on;

  void on(const EpochStart& event) override {
    write_standard_output(fmt::format("Epoch {}\n-------------------------------\n", event.epoch));
  }
  void on(const TrainStep& event) override {
    write_standard_output(fmt::format("loss: {:7f}  [{:5d}/{:5d}]\n", event.loss, event.samples,
                                      event.samples_per_epoch));
  }
  void on(const Evaluation& event) override {
    if (event.set != Evaluation::Set::kTest) return;
    write_standard_output(fmt::format("Test Error: \n Accuracy: {:0.1f}%, Avg loss: {:8f} \n\n",
                                      event.accuracy_percent(), event.average_loss));
  }
  void on(const RunEnd& event) override {
    if (event.status == "completed") write_standard_output("Done!\n");
  }
};

}  // namespace

std::unique_ptr<EventSink> make_console_sink() {
  return std::make_unique<ConsoleSink>();
}

}  // namespace lockstep::metrics

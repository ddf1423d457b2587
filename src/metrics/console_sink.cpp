#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include <lockstep/base/file.hpp>
#include <lockstep/base/standard_output.hpp>
#include <lockstep/metrics/sinks.hpp>

namespace lockstep::metrics {
namespace {

class ConsoleSink final : public EventSink {
 public:
  explicit ConsoleSink(std::function<void(const RuntimeFailure&)> tell_of_failure)
      : tell_of_failure_(std::move(tell_of_failure)) {}
  using EventSink::on;

  void on(const EpochStart& event) override {
    print(fmt::format("Epoch {}\n-------------------------------\n", event.epoch));
  }
  void on(const TrainStep& event) override {
    // With a padded tail, an epoch trains a few samples twice; the tutorial's lines end at the
    // total.
    print(fmt::format("loss: {:7f}  [{:5d}/{:5d}]\n", event.loss,
                      std::min(event.samples, event.samples_per_epoch), event.samples_per_epoch));
  }
  void on(const Evaluation& event) override {
    if (event.set != Evaluation::Set::kTest) return;
    const auto percent = event.accuracy_percent();
    print(fmt::format("Test Error{}: \n {}Avg loss: {:8f} \n\n",
                      event.of_average ? " of the averaged weights" : "",
                      percent ? fmt::format("Accuracy: {:0.1f}%, ", *percent) : std::string(),
                      event.average_loss));
  }
  void on(const RunEnd& event) override {
    if (event.status == "completed") print("Done!\n");
  }

 private:
  void print(std::string_view text) {
    try {
      if (!told_) return write_standard_output(text);
      // A reader that has delayed one line does not delay every later one.
      write_standard_output(text, std::chrono::milliseconds(0));
    } catch (const RuntimeFailure& failure) {
      if (!std::exchange(told_, true)) tell_of_failure_(failure);
    }
  }

  std::function<void(const RuntimeFailure&)> tell_of_failure_;
  bool told_ = false;
};

}  // namespace

std::unique_ptr<EventSink> make_console_sink(
    std::function<void(const RuntimeFailure&)> tell_of_failure) {
  return std::make_unique<ConsoleSink>(std::move(tell_of_failure));
}

std::unique_ptr<EventSink> make_console_sink() {
  return make_console_sink([](const RuntimeFailure& failure) { throw RuntimeFailure(failure); });
}

}  // namespace lockstep::metrics

// Trains a few steps of one rank under callgrind, which counts the instructions of STEPS of them:
//   training_steps BATCH_SIZE HIDDEN_WIDTH STEPS [FOLDER]
// With a FOLDER, everything that is on by default tells of them there: one of the steps is logged.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <valgrind/callgrind.h>
#include <vector>

#include <lockstep/base/terminal.hpp>
#include <lockstep/comm/factory.hpp>
#include <lockstep/data/fashion_mnist.hpp>
#include <lockstep/metrics/sinks.hpp>
#include <lockstep/model/mlp.hpp>
#include <lockstep/train/trainer.hpp>

namespace {

using namespace lockstep;

constexpr std::int64_t kStepsBefore = 5;  // allocations and choices of kernels settle

class CountedSteps final : public metrics::EventSink {
 public:
  explicit CountedSteps(std::int64_t steps) : steps_(steps) {}
  using EventSink::on;
  void on(const metrics::StepEnd& event) override {
    if (event.step == kStepsBefore) CALLGRIND_START_INSTRUMENTATION;
    if (event.step == kStepsBefore + steps_) CALLGRIND_STOP_INSTRUMENTATION;
  }

 private:
  std::int64_t steps_;
};

/// The sinks of a run whose output is no terminal.
std::unique_ptr<metrics::EventSink> make_sinks(std::int64_t steps, const std::string& folder) {
  std::vector<std::unique_ptr<metrics::EventSink>> sinks;
  if (!folder.empty()) {
    sinks.push_back(metrics::make_json_lines_sink(folder + "/metrics.jsonl"));
    sinks.push_back(metrics::make_tensorboard_sink(folder, {}));
    sinks.push_back(metrics::make_progress_sink(*Terminal::standard_error()));
  }
  sinks.push_back(
      std::make_unique<CountedSteps>(steps));  // last, so that what others do is counted
  return metrics::make_fan_out_sink(std::move(sinks));
}

void train_some_steps(std::int64_t batch_size, std::int64_t width, std::int64_t steps,
                      const std::string& folder) {
  torch::set_num_threads(1);
  train::TrainOptions options;
  options.sampling.batch_size = batch_size;
  options.optimization.epochs = 1;
  options.output.log_every = steps;
  const auto sizes = train::resolve_batch_sizes(options, 1);
  const std::int64_t samples = (kStepsBefore + steps + 1) * sizes.micro;
  const data::Dataset dataset{data::fashion_mnist_spec(),
                              torch::randint(0, 256, {samples, 1, 28, 28}, torch::kUInt8),
                              torch::randint(0, data::kClasses, {samples}, torch::kUInt8)};
  runtime::RankLayout layout;
  layout.hosts = {"host"};
  const auto communicator = comm::make_communicator({}, layout);
  runtime::HostStream compute;
  const runtime::StopRequest stop;
  train::Trainer trainer(
      options, sizes,
      {.network = model::make_mlp(data::kImagePixels, {width, width}, data::kClasses, 0),
       .loss = model::loss_function(model::Loss::kCrossEntropy),
       .train = dataset,
       .test = dataset.first(1),
       .control = *communicator,
       .gradients = *communicator,
       .compute = compute,
       .layout = layout,
       .stop = stop});
  const auto events = make_sinks(steps, folder);
  events->on(
      metrics::RunStart{.global_batch_size = batch_size, .total_steps = samples / batch_size});
  const auto result = trainer.run(*events);
  std::printf("LibTorch %s, %lld steps\n", TORCH_VERSION,
              static_cast<long long>(result.position.steps));
}

}  // namespace

int main(int count, char** arguments) {
  try {
    if (count != 4 && count != 5) return EXIT_FAILURE;
    train_some_steps(std::stoll(arguments[1]), std::stoll(arguments[2]), std::stoll(arguments[3]),
                     count == 5 ? arguments[4] : "");
    return EXIT_SUCCESS;
  } catch (const std::exception& error) {
    (void)std::fputs(error.what(), stderr);
    return EXIT_FAILURE;
  }
}

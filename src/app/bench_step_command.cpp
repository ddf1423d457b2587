#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <lockstep/app/bench_option_tables.hpp>
#include <lockstep/app/commands.hpp>
#include <lockstep/app/run_command.hpp>
#include <lockstep/app/training_setup.hpp>
#include <lockstep/base/file.hpp>
#include <lockstep/benchmark/fma_peak.hpp>
#include <lockstep/benchmark/matrix_products.hpp>
#include <lockstep/comm/agreement.hpp>
#include <lockstep/metrics/step_timer.hpp>

namespace lockstep::app {
namespace {

constexpr const char* kStepUsage =
    "Usage: [mpirun -np N] lockstep bench step [options]\n\n"
    "Where a training step's time goes, on synthetic images: an epoch of --steps steps to warm "
    "up,\n"
    "and one that counts. Now and then the bare matrix products of a step run, with the same\n"
    "shapes and library: their time divided by the step's is what the rest leaves of the "
    "machine.\n\n";

constexpr double kMillisecondsPerSecond = 1000.0;

/// Runs the bare matrix products ten times behind every tenth step, so that both meet the same
/// machine and each finds its own data in the caches; keeps the times of the epoch that counts.
class StepProbe final : public metrics::EventSink {
 public:
  StepProbe(benchmark::MatrixProducts& products, std::int64_t runs_a_step,
            comm::Communicator& control)
      : products_(products), runs_a_step_(runs_a_step), control_(control) {}
  using EventSink::on;

  void on(const metrics::EpochStart& /*event*/) override { product_ms_.clear(); }
  void on(const metrics::TrainStep& event) override {
    constexpr std::int64_t kStepsBetween = 10;
    if (event.step % kStepsBetween != 0 && !product_ms_.empty()) return;
    for (std::int64_t step = 0; step < kStepsBetween; ++step) {
      double seconds = 0;
      for (std::int64_t i = 0; i < runs_a_step_; ++i) seconds += products_.run();
      product_ms_.push_back(seconds * kMillisecondsPerSecond);
    }
    control_.barrier();  // or the next step would show how unlike the ranks' products were
  }
  void on(const metrics::EpochEnd& event) override { times_ = event.times; }

  [[nodiscard]] const metrics::StepTimes& times() const { return times_; }
  [[nodiscard]] double products_ms_p50() { return metrics::percentile(product_ms_, 50); }

 private:
  benchmark::MatrixProducts& products_;
  std::int64_t runs_a_step_;
  comm::Communicator& control_;
  std::vector<double> product_ms_;
  metrics::StepTimes times_;
};

struct StepResult {
  metrics::StepTimes times;
  std::int64_t steps = 0;
  double images_per_second = 0;
  double sgemm_ms = 0;  ///< median
  double gflop_per_s = 0;
  double fma_peak_gflop_per_s = 0;  ///< of the rank's threads

  [[nodiscard]] double sgemm_share_of_step() const { return sgemm_ms / times.step.p50; }
};

std::vector<std::pair<const char*, const metrics::Distribution*>> rows(
    const metrics::StepTimes& times) {
  return {{"data", &times.data},
          {"forward", &times.forward},
          {"backward", &times.backward},
          {"communication", &times.communication},
          {"exposed_communication", &times.exposed_communication},
          {"optimizer", &times.optimizer},
          {"step", &times.step}};
}

void print(const StepResult& result, const train::BatchSizes& sizes, const Compute& compute) {
  fmt::print("# {}; {} thread{} a rank; {} steps\n{:<22} {:>9} {:>9} {:>9} {:>9}\n",
             sizes.describe(), compute.threads, compute.threads == 1 ? "" : "s", result.steps, "ms",
             "mean", "p50", "p95", "p99");
  for (const auto& [name, values] : rows(result.times)) {
    std::string label(name);
    std::replace(label.begin(), label.end(), '_', ' ');
    fmt::print("{:<22} {:>9.4f} {:>9.4f} {:>9.4f} {:>9.4f}\n", label, values->mean, values->p50,
               values->p95, values->p99);
  }
  fmt::print(
      "bare matrix products   {:>19.4f}   {:.0f} % of the step\n"
      "images/s {:.0f}; matrix products {:.0f} GFLOP/s, {:.0f} % of the multiply-add peak of "
      "{:.0f}\n",
      result.sgemm_ms, 100 * result.sgemm_share_of_step(), result.images_per_second,
      result.gflop_per_s, 100 * result.gflop_per_s / result.fma_peak_gflop_per_s,
      result.fma_peak_gflop_per_s);
}

nlohmann::ordered_json figures(const StepResult& result) {
  nlohmann::ordered_json figures;
  for (const auto& [name, values] : rows(result.times)) {
    const std::string key = std::string(name) + "_ms";
    figures[key] = values->mean;
    figures[key + "_p50"] = values->p50;
    figures[key + "_p95"] = values->p95;
    figures[key + "_p99"] = values->p99;
  }
  figures["steps"] = result.steps;
  figures["images_per_second"] = result.images_per_second;
  figures["sgemm_ms"] = result.sgemm_ms;
  figures["sgemm_share_of_step"] = result.sgemm_share_of_step();
  figures["gflop_per_s"] = result.gflop_per_s;
  figures["fma_peak_gflop_per_s"] = result.fma_peak_gflop_per_s;
  return figures;
}

void write_results(const ResultFiles& files, const StepResult& result) {
  const auto all = figures(result);
  if (!files.json.empty()) {
    const nlohmann::ordered_json document = {{"schema", 1}, {"results", all}};
    write_file_atomically(files.json, document.dump(2) + "\n");
  }
  if (files.csv.empty()) return;
  std::vector<std::string> names;
  std::vector<std::string> values;
  for (const auto& [name, value] : all.items()) {
    names.push_back(name);
    values.push_back(value.dump());
  }
  write_file_atomically(files.csv,
                        fmt::format("{}\n{}\n", fmt::join(names, ","), fmt::join(values, ",")));
}

/// Two epochs of --steps steps on synthetic images, without a test loop worth the name.
void fix_what_is_not_measured(train::TrainOptions& options, std::int64_t steps, int world_size) {
  constexpr std::int64_t kImages = 60'000;
  options.data = {.synthetic = true, .test_samples = 1};
  const auto global = train::resolve_batch_sizes(options, world_size).global();
  if (global > kImages) {
    throw UsageError(
        fmt::format("a global batch of {} exceeds the {} synthetic images", global, kImages));
  }
  options.data.train_samples = std::min(kImages / global, steps) * global;
  options.optimization.epochs = 2;
  options.output.log_every = 1;
  options.output.evaluate_every = 2;
}

StepResult measure(Job& job, const Training& training, const train::TrainOptions& options) {
  std::vector<std::int64_t> widths = {data::kImagePixels};
  widths.insert(widths.end(), options.model.hidden.begin(), options.model.hidden.end());
  widths.push_back(data::kClasses);
  benchmark::MatrixProducts products(training.sizes.micro, widths, training.compute.device);
  const std::int64_t passes = training.sizes.accumulate * training.sizes.shards_per_rank;
  StepProbe probe(products, passes, *job.control);
  const auto end = end_together(job, [&] { return training.trainer->run(probe); });
  if (end.stopped) comm::fail_together(*job.control, "stopped by a signal: nothing was measured");

  StepResult result{.times = probe.times(), .steps = training.trainer->steps_per_epoch()};
  result.images_per_second = static_cast<double>(training.sizes.global()) / result.times.step.mean *
                             kMillisecondsPerSecond;
  result.sgemm_ms = probe.products_ms_p50();
  result.gflop_per_s =
      products.gflop() * static_cast<double>(passes) / result.sgemm_ms * kMillisecondsPerSecond;
  result.fma_peak_gflop_per_s =
      benchmark::measure_fma_peak_gflop_per_s() * training.compute.threads;
  return result;
}

void bench_step(Job& job, BenchStepOptions& options) {
  comm::run_on_all_ranks(*job.control, job.layout, [&] {
    train::check_combinations(options.train);
    fix_what_is_not_measured(options.train, options.steps, job.layout.world_size);
  });
  start_watching(job, options.train.distribution);
  const runtime::StopRequest stop;
  const auto training = set_up_training(job, options.train, stop);
  const auto result = measure(job, *training, options.train);
  end_training(job, *training);
  comm::run_on_all_ranks(*job.control, job.layout, [&] {
    if (job.layout.rank != 0) return;
    print(result, training->sizes, training->compute);
    write_results(options.files, result);
  });
}

}  // namespace

int bench_step_command(const Arguments& arguments) {
  BenchStepOptions options;
  return run_command(kStepUsage, bench_step_option_table(options), arguments,
                     [&](Job& job) { bench_step(job, options); });
}

}  // namespace lockstep::app

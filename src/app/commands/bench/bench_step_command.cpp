#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>

#include <lockstep/base/file.hpp>
#include <lockstep/base/json_text.hpp>
#include <lockstep/base/result_file.hpp>
#include <lockstep/benchmark/fma_peak.hpp>
#include <lockstep/benchmark/matrix_products.hpp>
#include <lockstep/comm/agreement.hpp>
#include <lockstep/metrics/step_timer.hpp>
#include <lockstep/runtime/stop_request.hpp>
#include <lockstep/session/command.hpp>

#include "cli/command_list.hpp"
#include "commands/bench/options.hpp"
#include "commands/bench/step_result.hpp"
#include "commands/commands.hpp"

namespace lockstep::app {
namespace {

constexpr const char* kStepUsage =
    "Usage: [mpirun -np N] lockstep bench step [options]\n\n"
    "Measures where a training step's time goes: an epoch of --steps steps to warm up, then one\n"
    "that counts. Now and then it runs the bare matrix products of a step, with the same shapes\n"
    "and library: their time divided by the step's shows how much of the machine the rest "
    "leaves.\n\n";

constexpr double kMillisecondsPerSecond = 1000.0;

/// A rank's request to stop, known to all ranks at the same step: they stop together even if none
/// of their steps communicates.
class AgreedStop final : public runtime::StopSource {
 public:
  AgreedStop(const runtime::StopSource& own, comm::Communicator& control)
      : own_(own), control_(control) {}
  /// Collective.
  void agree() {
    std::array<double, 1> wishes = {own_.wanted() ? 1.0 : 0.0};
    control_.all_reduce(std::span<double>(wishes)).wait();
    agreed_ = wishes[0] > 0;
  }
  [[nodiscard]] bool wanted() const noexcept override { return agreed_; }

 private:
  const runtime::StopSource& own_;
  comm::Communicator& control_;
  bool agreed_ = false;
};

/// Runs the bare matrix products ten times after every tenth step, so that both run under the same
/// conditions and each finds its own data in the caches. Keeps the times of the epoch that counts.
class StepProbe final : public metrics::EventSink {
 public:
  StepProbe(benchmark::MatrixProducts& products, std::int64_t runs_a_step, AgreedStop& stop)
      : products_(products), runs_a_step_(runs_a_step), stop_(stop) {}
  using EventSink::on;

  void on(const metrics::EpochStart& /*event*/) override { product_ms_.clear(); }
  void on(const metrics::TrainStep& event) override {
    constexpr std::size_t kLosses = 20;
    if (losses_.size() < kLosses) losses_.push_back(event.loss);
    constexpr std::int64_t kStepsBetween = 10;
    if (event.step % kStepsBetween != 0 && !product_ms_.empty()) return;
    for (std::int64_t step = 0; step < kStepsBetween; ++step) {
      double seconds = 0;
      for (std::int64_t i = 0; i < runs_a_step_; ++i) seconds += products_.run();
      product_ms_.push_back(seconds * kMillisecondsPerSecond);
    }
    stop_.agree();  // also waits, or the next step would show how unlike the ranks' products were
  }
  void on(const metrics::EpochEnd& event) override {
    times_ = event.times;
    series_ = event.series;
  }

  [[nodiscard]] const metrics::StepTimes& times() const { return times_; }
  [[nodiscard]] const metrics::StepSeries& series() const { return series_; }
  /// The losses of the first steps, from the initial weights.
  [[nodiscard]] const std::vector<double>& losses() const { return losses_; }
  [[nodiscard]] double products_ms_p50() { return metrics::percentile(product_ms_, 50); }

 private:
  benchmark::MatrixProducts& products_;
  std::int64_t runs_a_step_;
  AgreedStop& stop_;
  std::vector<double> product_ms_;
  metrics::StepTimes times_;
  metrics::StepSeries series_;
  std::vector<double> losses_;
};

void write_results(const ResultFiles& files, const StepResult& result,
                   const std::vector<std::string>& hosts) {
  if (!files.json.empty()) {
    write_result_file(files.json, json_document(step_result_json(result, hosts)));
  }
  if (!files.csv.empty()) write_result_file(files.csv, step_result_csv(result));
}

/// Two epochs of --steps steps, without a test loop worth the name.
void fix_what_is_not_measured(train::TrainOptions& options, std::int64_t steps, int world_size,
                              std::int64_t images) {
  options.data.test_samples = 1;
  const auto global = train::resolve_batch_sizes(options, world_size).global();
  if (global > images) {
    throw UsageError(fmt::format("a global batch of {} exceeds the {} images", global, images));
  }
  options.data.train_samples = std::min(images / global, steps) * global;
  options.optimization.epochs = 2;
  options.output.log_every = 1;
  options.output.evaluate_every = 2;
}

StepResult measure(session::Job& job, const session::Training& training, BenchStepOptions& options,
                   AgreedStop& stop) {
  benchmark::MatrixProducts products(training.sizes.micro, training.network->linear_layers(),
                                     training.compute.device);
  const std::int64_t passes = training.sizes.accumulate * training.sizes.shards_per_rank;
  StepProbe probe(products, passes, stop);
  const auto end = session::end_together(job, [&] { return training.trainer->run(probe); });
  if (end.stopped) comm::fail_together(*job.control, "stopped by a signal: nothing was measured");

  StepResult result{
      .times = probe.times(),
      .step_ms = probe.series().step,
      .ranks = gather_rank_times(probe.times(), probe.series().exposed_communication, *job.control),
      .losses = probe.losses(),
      .steps = training.trainer->steps_per_epoch()};
  result.configuration = step_configuration(job, training, options);
  // Ranks that train together take the same steps.
  const std::size_t replicas = options.independent ? result.ranks.size() : 1;
  for (std::size_t i = 0; i < replicas; ++i) {
    result.images_per_second += static_cast<double>(training.sizes.global()) /
                                result.ranks[i].step * kMillisecondsPerSecond;
  }
  result.sgemm_ms = probe.products_ms_p50();
  if (products.gflop() > 0) {
    result.gflop_per_s =
        products.gflop() * static_cast<double>(passes) / result.sgemm_ms * kMillisecondsPerSecond;
  }
  result.fma_peak_gflop_per_s =
      benchmark::measure_fma_peak_gflop_per_s() * training.compute.threads;
  return result;
}

void bench_step(session::Job& job, BenchStepOptions& options, runtime::StopRequest& signals) {
  comm::run_on_all_ranks(*job.control, job.layout, [&] {
    if (job.layout.rank == 0) {
      require_writable_result("--json", options.files.json);
      require_writable_result("--csv", options.files.csv);
    }
    train::check_combinations(options.train);
    options.task.use_synthetic_data(options.synthetic);
    options.task.resolve_data(options.data_dir);
    fix_what_is_not_measured(options.train, options.steps,
                             options.independent ? 1 : job.layout.world_size,
                             options.task.open_data()->shape().train_samples());
  });
  session::start_watching(job, options.train.distribution);
  signals.set_patience(session::second_limit(options.train.distribution));
  AgreedStop stop(signals, *job.control);
  const auto training = session::set_up_training(
      job, options.train, options.task, stop,
      options.independent ? session::Together::kEachRankAlone : session::Together::kAllRanks);
  const auto result = measure(job, *training, options, stop);
  session::end_training(job, *training);
  comm::run_on_all_ranks(*job.control, job.layout, [&] {
    if (job.layout.rank != 0) return;
    write_standard_output(step_result_text(result, training->sizes, training->compute.threads));
    write_results(options.files, result, job.layout.hosts);
  });
}

int run_bench_step(const Arguments& arguments) {
  // From here on, so that a signal is not lost while the ranks connect to each other.
  runtime::StopRequest signals;
  BenchStepOptions options;
  return session::run_command(
      make_command("bench step", kStepUsage, bench_step_option_table(options)), arguments,
      [&](session::Job& job) { bench_step(job, options, signals); });
}

}  // namespace

Command bench_step_command() {
  return {.name = "bench step",
          .operands = "",
          .summary = "where a training step's time goes",
          .with_table = table_for(bench_step_option_table),
          .run = run_bench_step};
}

}  // namespace lockstep::app

#include <cstdio>
#include <filesystem>
#include <set>

#include <fmt/format.h>

#include <lockstep/app/commands.hpp>
#include <lockstep/app/run_command.hpp>
#include <lockstep/app/run_record.hpp>
#include <lockstep/app/train_option_table.hpp>
#include <lockstep/app/training_setup.hpp>
#include <lockstep/comm/agreement.hpp>
#include <lockstep/metrics/sinks.hpp>
#include <lockstep/model/safetensors.hpp>
#include <lockstep/runtime/process_time.hpp>
#include <lockstep/train/run_folder.hpp>

namespace lockstep::app {
namespace {

constexpr const char* kTrainUsage =
    "Usage: mpirun -np N lockstep train [options]\n\n"
    "Trains the tutorial's network on FashionMNIST with synchronous data parallelism: one replica\n"
    "a rank, gradients summed over ranks before every step. Without mpirun: one rank.\n\n"
    "Options come from the command line, then from LOCKSTEP_<OPTION_NAME> in the environment\n"
    "(LOCKSTEP_BATCH_SIZE=32), then from the file of --config FILE (name = value, one a line).\n\n";

void announce(const Job& job, const train::BatchSizes& sizes, const Compute& compute,
              const train::NodeDataset& dataset, const std::string& folder) {
  const std::set<std::string> hosts(job.layout.hosts.begin(), job.layout.hosts.end());
  job.log.info(fmt::format("{}; {} on {} host{}, {} thread{} a rank", sizes.describe(),
                           compute.device.is_cuda() ? "one GPU a rank" : "CPU", hosts.size(),
                           hosts.size() == 1 ? "" : "s", compute.threads,
                           compute.threads == 1 ? "" : "s"));
  job.log.info(fmt::format("{}: {} training and {} test images; results in {}", dataset.description,
                           dataset.train.size(), dataset.test.size(), folder));
}

/// All replicas must have ended up with the same bits.
std::string agreed_digest(Job& job, const model::NeuralNetwork& network) {
  const auto digests = comm::gather_texts(*job.control, model::parameters_sha256(*network));
  comm::run_on_all_ranks(*job.control, job.layout, [&] {
    if (const auto rank = comm::first_unlike_rank_0(digests)) {
      throw RuntimeFailure(fmt::format(
          "the weights of rank {} ({}) differ from rank 0's after training: faulty memory, or "
          "ranks of different versions",
          *rank, job.layout.hosts[*rank]));
    }
  });
  return digests[0];
}

void finish(Job& job, const train::TrainResult& result, const model::NeuralNetwork& network,
            metrics::EventSink& events, const std::filesystem::path& folder) {
  if (result.stopped) {
    events.on(
        metrics::RunEnd{.status = "stopped", .steps = result.steps, .seconds = result.seconds});
    comm::fail_together(
        *job.control,
        fmt::format("stopped by a signal in epoch {}, after step {}: nothing was saved (this "
                    "version writes no checkpoints yet)",
                    result.epoch, result.steps));
  }
  const auto digest = agreed_digest(job, network);
  comm::run_on_all_ranks(*job.control, job.layout, [&] {
    if (job.layout.rank != 0) return;
    model::write_safetensors(folder / "model.safetensors", model::named_parameters(*network));
    events.on(metrics::RunEnd{.status = "completed",
                              .steps = result.steps,
                              .seconds = result.seconds,
                              .parameters_sha256 = digest});
    job.log.info(fmt::format(
        "test accuracy {:.1f} %, average loss {:.4f}, after {} steps in {:.1f} s; results in {}",
        result.last_test->accuracy_percent(), result.last_test->average_loss, result.steps,
        result.seconds, folder.string()));
  });
}

/// Rank 0's folder and sinks; sinks that do nothing on the others.
struct Output {
  std::filesystem::path folder;
  std::unique_ptr<metrics::EventSink> events;
};

Output open_output(const train::TrainOptions& options) {
  Output output{train::create_run_folder(options.output.output_dir), nullptr};
  std::vector<std::unique_ptr<metrics::EventSink>> sinks;
  sinks.push_back(metrics::make_json_lines_sink(output.folder / "metrics.jsonl"));
  sinks.push_back(metrics::make_console_sink());
  sinks.push_back(metrics::make_summary_sink(Log(Log::Level::kInfo)));
  output.events = metrics::make_fan_out_sink(std::move(sinks));
  return output;
}

void train(Job& job, train::TrainOptions& options, const OptionTable& table) {
  const auto training = set_up_training(job, options);
  const auto& compute = training->compute;
  const auto& sizes = training->sizes;
  const auto& dataset = training->dataset;

  // Last, so that a run that cannot start leaves no folder.
  const auto output = comm::run_on_all_ranks(*job.control, job.layout, [&] {
    if (job.layout.rank != 0) return Output{{}, metrics::make_fan_out_sink({})};
    auto opened = open_output(options);
    resolve_for_record(options, sizes, compute, dataset, training->gradients->overlaps(),
                       opened.folder);
    write_run_record(opened.folder, current_values(table), job.layout, dataset);
    announce(job, sizes, compute, dataset, opened.folder);
    return opened;
  });
  output.events->on(metrics::RunStart{.world_size = job.layout.world_size,
                                      .device = compute.device.is_cuda() ? "cuda" : "cpu",
                                      .threads = compute.threads,
                                      .global_batch_size = sizes.global(),
                                      .steps_per_epoch = training->trainer->steps_per_epoch(),
                                      .startup_seconds = runtime::seconds_since_process_start()});
  const auto result = end_together(job, [&] { return training->trainer->run(*output.events); });
  finish(job, result, training->network, *output.events, output.folder);
  end_training(job, *training);
}

}  // namespace

int train_command(const Arguments& arguments) {
  train::TrainOptions options;
  const auto table = train_option_table(options);
  return run_command(kTrainUsage, table, arguments, [&](Job& job) { train(job, options, table); });
}

}  // namespace lockstep::app

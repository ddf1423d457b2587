#include <csignal>
#include <filesystem>
#include <optional>

#include <fmt/format.h>

#include <lockstep/app/commands.hpp>
#include <lockstep/app/resume.hpp>
#include <lockstep/app/run_command.hpp>
#include <lockstep/app/run_record.hpp>
#include <lockstep/app/train_option_table.hpp>
#include <lockstep/app/training_setup.hpp>
#include <lockstep/base/file.hpp>
#include <lockstep/comm/agreement.hpp>
#include <lockstep/data/fashion_mnist.hpp>
#include <lockstep/metrics/resume_lines.hpp>
#include <lockstep/metrics/sinks.hpp>
#include <lockstep/model/safetensors.hpp>
#include <lockstep/runtime/process_time.hpp>
#include <lockstep/train/checkpoint_writer.hpp>
#include <lockstep/train/predictions.hpp>
#include <lockstep/train/run_folder.hpp>

#include "event_sinks.hpp"
#include "trace_file.hpp"

namespace lockstep::app {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTrainUsage =
    "Usage: mpirun -np N lockstep train [options]\n\n"
    "Trains the tutorial's network on FashionMNIST with synchronous data parallelism: one replica\n"
    "a rank, gradients summed over ranks before every step. Without mpirun: one rank.\n\n"
    "Options come from the command line, then from LOCKSTEP_<OPTION_NAME> in the environment\n"
    "(LOCKSTEP_BATCH_SIZE=32), then from the file of --config FILE (name = value, one a line).\n"
    "--check-options checks them and ends.\n\n";

void announce(const Job& job, const train::BatchSizes& sizes, const Compute& compute,
              const train::NodeDataset& dataset, const nlohmann::ordered_json& digests,
              const std::string& folder) {
  const auto hosts = job.layout.host_count();
  job.log.info(fmt::format("{}; {} on {} host{}, {} thread{} a rank", sizes.describe(),
                           compute.device.is_cuda() ? "one GPU a rank" : "CPU", hosts,
                           hosts == 1 ? "" : "s", compute.threads,
                           compute.threads == 1 ? "" : "s"));
  job.log.info(fmt::format("{}: {} training and {} test images; results in {}",
                           dataset.describe(digests.get<train::DatasetDigests>()),
                           dataset.train.size(), dataset.test.size(), folder));
  const auto absent = dataset.describe_absent_classes();
  if (!absent.empty()) job.log.warning(absent);
}

/// All replicas must have ended up with the same bits.
std::string agreed_digest(Job& job, const model::NetworkPtr& network) {
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

/// Rank 0's folder, sinks and checkpoints; sinks that do nothing on the others.
struct Output {
  std::unique_ptr<train::RunFolder> folder;
  std::unique_ptr<metrics::EventSink> events;  // null until it is known what to record
  std::unique_ptr<train::CheckpointWriter> checkpoints;
};

Output open_output(const train::TrainOptions& options, Beginning& beginning, const Log& log,
                   bool epoch_is_trained) {
  auto folder = std::make_unique<train::RunFolder>(
      beginning.folder ? *std::move(beginning.folder)
                       : train::RunFolder::create(options.output.output_dir));
  const train::RunPosition start;
  const auto& position = beginning.checkpoint ? beginning.checkpoint->position : start;
  const auto remark = metrics::drop_lines_past(folder->path() / "metrics.jsonl", position.steps,
                                               position.epoch, epoch_is_trained);
  if (!remark.empty()) log.warning(remark);
  auto checkpoints = std::make_unique<train::CheckpointWriter>(
      [where = folder.get()] { return train::CheckpointFolder(where->current_path()); },
      options.output.keep_checkpoints);
  return {std::move(folder), nullptr, std::move(checkpoints)};
}

/// Ends with exit code 75 on all ranks: the state is saved.
[[noreturn]] void end_preempted(Job& job, const train::TrainResult& result, const Output& output) {
  std::string folder;
  comm::run_on_all_ranks(*job.control, job.layout, [&] {
    if (job.layout.rank != 0) return;
    output.events->on(metrics::RunEnd{
        .status = "preempted", .steps = result.position.steps, .seconds = result.seconds});
    if (output.checkpoints->failure().empty()) {
      folder = output.folder->current_path().string();
      return;
    }
    throw RuntimeFailure(
        fmt::format("stopped by a signal after step {}, and its state could not "
                    "be saved: {}",
                    result.position.steps, output.checkpoints->failure()));
  });
  throw comm::AgreedError(
      ExitCode::kPreempted,
      fmt::format("stopped by a signal in epoch {}, after step {}: the state is saved, the same "
                  "command with --output-dir {} --resume auto goes on",
                  result.position.epoch, result.position.steps, folder),
      job.layout.rank == 0);
}

std::string describe_slowest(const metrics::SlowestRank& slowest, int ranks) {
  constexpr double kWorthAWord = 1.05;
  if (ranks == 1 || slowest.busy_ms <= kWorthAWord * slowest.median_ms) return {};
  return fmt::format(
      "; slowest in the last epoch: rank {} ({}), busy for {:.2f} ms a step where "
      "the median rank is for {:.2f}, most of it in {}",
      slowest.rank, slowest.host, slowest.busy_ms, slowest.median_ms, slowest.phase);
}

/// For `lockstep report`; a run without it is a run all the same.
void write_predictions(const Output& output,
                       const std::optional<std::vector<train::Prediction>>& predictions,
                       const data::Dataset& test, const nlohmann::ordered_json& digests) {
  if (!predictions) {
    return output.events->on(
        metrics::Warning{"predictions.json is not written: a signal asked for an early end"});
  }
  try {
    const auto names = data::class_names(data::are_published(digests.get<train::DatasetDigests>()));
    write_file_atomically(output.folder->current_path() / "predictions.json",
                          train::describe_predictions(*predictions, test, names).dump() + "\n");
  } catch (const RuntimeFailure& failure) {
    output.events->on(metrics::Warning{failure.what()});
  }
}

/// On a full disk they count more than old checkpoints.
void write_final_weights(const Output& output, const model::Network& network,
                         const model::SafetensorsMetadata& metadata) {
  const auto folder = output.folder->current_path();
  const auto removed = train::CheckpointFolder(folder).make_room_for([&] {
    model::write_safetensors(folder / "model.safetensors", model::named_state(network), metadata);
  });
  if (removed == 0) return;
  output.events->on(metrics::Warning{
      fmt::format("no space left: {} old checkpoint{} removed to make room for model.safetensors",
                  removed, removed == 1 ? " was" : "s were")});
}

void finish(Job& job, const train::TrainResult& result, const Training& training,
            const Output& output, const nlohmann::ordered_json& digests,
            const model::SafetensorsMetadata& metadata) {
  if (result.stopped) end_preempted(job, result, output);
  const auto& network = training.network;
  const auto digest = agreed_digest(job, network);
  comm::run_on_all_ranks(*job.control, job.layout, [&] {
    if (job.layout.rank == 0) {
      write_final_weights(output, *network, metadata);
    }
  });
  const auto predictions = training.trainer->predict_test();
  comm::run_on_all_ranks(*job.control, job.layout, [&] {
    if (job.layout.rank != 0) return;
    const auto folder = output.folder->current_path();
    write_predictions(output, predictions, training.dataset.test, digests);
    output.events->on(metrics::RunEnd{.status = "completed",
                                      .steps = result.position.steps,
                                      .seconds = result.seconds,
                                      .parameters_sha256 = digest});
    job.log.info(fmt::format(
        "test accuracy {:.1f} %, average loss {:.4f}, after {} steps in {:.1f} s; results in {}{}",
        result.last_test->accuracy_percent(), result.last_test->average_loss, result.position.steps,
        result.seconds, folder.string(), describe_slowest(result.slowest, job.layout.world_size)));
    if (!output.checkpoints->failure().empty()) {
      throw RuntimeFailure(
          fmt::format("the last checkpoint could not be saved: {} (the weights "
                      "are in model.safetensors)",
                      output.checkpoints->failure()));
    }
  });
}

/// Collective. True if nothing is left to do.
bool go_on_from(Job& job, const Beginning& beginning, const nlohmann::ordered_json& settings,
                const nlohmann::ordered_json& defaults, train::Trainer& trainer) {
  const auto& checkpoint = beginning.checkpoint;
  if (!checkpoint) return false;
  comm::run_on_all_ranks(*job.control, job.layout, [&] {
    if (job.layout.rank == 0) require_same_settings(*checkpoint, settings, defaults);
  });
  comm::run_on_all_ranks(*job.control, job.layout, [&] { trainer.restore(*checkpoint); });
  const auto& position = checkpoint->position;
  if (beginning.completed && position.steps >= trainer.total_steps()) {
    job.log.info(fmt::format(
        "this run is finished: {} steps; --epochs or --max-steps make it longer", position.steps));
    return true;
  }
  job.log.info(fmt::format("going on from {}: epoch {}, step {}", checkpoint->path, position.epoch,
                           position.steps));
  return false;
}

/// Collective.
void check_trace(Job& job, const train::OutputOptions& output, const Beginning& beginning) {
  comm::run_on_all_ranks(*job.control, job.layout, [&] {
    if (job.layout.rank != 0) return;
    require_usable_trace(output.trace,
                         beginning.folder ? beginning.folder->path() : fs::path(output.output_dir));
  });
}

void train(Job& job, train::TrainOptions& options, task::Task& task,
           const options::OptionTable& table, const nlohmann::ordered_json& defaults,
           runtime::StopRequest& stop) {
  // A reader that goes away (`| head`) makes writing fail, and ends no training.
  (void)std::signal(SIGPIPE, SIG_IGN);
  stop.set_patience(second_limit(options.distribution));
  start_watching(job, options.distribution);
  auto beginning = find_beginning(job, options);
  check_trace(job, options.output, beginning);
  keep_weight_decay(beginning, options.optimization);
  const auto training = set_up_training(job, options, task, stop);
  const auto& compute = training->compute;
  const auto& sizes = training->sizes;
  const auto& dataset = training->dataset;
  nlohmann::ordered_json settings;
  model::SafetensorsMetadata metadata;
  if (job.layout.rank == 0) {
    settings = settings_of(options, sizes, table, dataset);
    metadata = {{train::kDatasetEntry, settings.at("dataset_sha256").dump()},
                {task::kTaskEntry, task::describe(task).dump()}};
  }
  if (go_on_from(job, beginning, settings, defaults, *training->trainer)) {
    return end_training(job, *training);
  }

  const auto devices = comm::gather_texts(*job.control, device_name(compute));

  // Last, so that a run that cannot start leaves no folder.
  const auto output = comm::run_on_all_ranks(*job.control, job.layout, [&] {
    if (job.layout.rank != 0) return Output{nullptr, metrics::make_fan_out_sink({}), nullptr};
    auto opened = open_output(options, beginning, job.log, training->trainer->epoch_is_trained());
    const auto& folder = opened.folder->path();
    task.resolve_data(dataset.folder);
    resolve_for_record(options, sizes, compute, dataset, training->gradients->overlaps(), folder);
    const auto values = current_values(table);
    const auto& digests = settings.at("dataset_sha256");
    write_run_record(folder, values, job.layout, devices, dataset, digests);
    opened.events = make_event_sinks(options.output, values, folder);
    announce(job, sizes, compute, dataset, digests, folder.string());
    const auto no_trace = why_no_trace(
        options.output, beginning.checkpoint ? beginning.checkpoint->position.steps : 0,
        training->trainer->total_steps());
    if (!no_trace.empty()) job.log.warning(no_trace);
    return opened;
  });
  output.events->on(metrics::RunStart{
      .world_size = job.layout.world_size,
      .device = compute.device.is_cuda() ? "cuda" : "cpu",
      .threads = compute.threads,
      .global_batch_size = sizes.global(),
      .steps_per_epoch = training->trainer->steps_per_epoch(),
      .epochs = options.optimization.epochs,
      .total_steps = training->trainer->total_steps(),
      .steps_before = beginning.checkpoint ? beginning.checkpoint->position.steps : 0,
      .startup_seconds = runtime::seconds_since_process_start()});
  const auto result = end_together(job, [&] {
    return training->trainer->run(*output.events, {output.checkpoints.get(), settings, metadata});
  });
  finish(job, result, *training, output, settings["dataset_sha256"], metadata);
  end_training(job, *training);
}

}  // namespace

int train_command(const Arguments& arguments) {
  // From here on, so that a signal that comes while the ranks find each other is not lost.
  runtime::StopRequest stop;
  train::TrainOptions options;
  task::BuiltinTask task;
  const auto table = train_option_table(options, task);
  const auto defaults = current_values(table);
  return run_command({"train", kTrainUsage}, table, arguments,
                     [&](Job& job) { train(job, options, task, table, defaults, stop); });
}

}  // namespace lockstep::app

#include <csignal>
#include <filesystem>
#include <optional>

#include <fmt/format.h>

#include <lockstep/comm/agreement.hpp>
#include <lockstep/comm/gather.hpp>
#include <lockstep/data/spec_json.hpp>
#include <lockstep/metrics/sinks.hpp>
#include <lockstep/runtime/process_time.hpp>
#include <lockstep/session/recorded_options.hpp>
#include <lockstep/session/train_command.hpp>
#include <lockstep/session/train_option_table.hpp>
#include <lockstep/session/training_setup.hpp>

#include "event_sinks.hpp"
#include "resume.hpp"
#include "run_end.hpp"
#include "run_output.hpp"
#include "run_record.hpp"
#include "trace_file.hpp"

namespace lockstep::session {
namespace {

namespace fs = std::filesystem;

std::string usage_of(const TrainProgram& program) {
  return fmt::format(
      "Usage: mpirun -np N {} [options]\n\n{} Without mpirun: one rank.\n\n"
      "Options come from the command line, then from LOCKSTEP_<OPTION_NAME> in the environment\n"
      "(LOCKSTEP_BATCH_SIZE=32), then from the file of --config FILE (name = value, one per\n"
      "line). --check-options checks them and exits.\n\n",
      program.command, program.about);
}

void announce(const Job& job, const train::BatchSizes& sizes, const Compute& compute,
              const train::NodeDataset& dataset, const train::DatasetDigests& digests,
              const std::string& folder) {
  const auto hosts = job.layout.host_count();
  std::string batch = sizes.describe();
  if (const auto of_one = sizes.global_of_one_rank()) {
    batch += fmt::format("; `--global-batch-size {}` trains as one rank does", *of_one);
  }
  job.log.info(fmt::format("{}; {} on {} host{}, {} thread{} per rank", batch,
                           compute.device.is_cuda() ? "one GPU per rank" : "CPU", hosts,
                           hosts == 1 ? "" : "s", compute.threads,
                           compute.threads == 1 ? "" : "s"));
  job.log.info(fmt::format("{}: {} training and {} test {}; results in {}",
                           dataset.describe(digests), dataset.train.size(), dataset.test.size(),
                           dataset.shape.spec().input.is_picture() ? "images" : "samples", folder));
  const auto absent = dataset.describe_absent_classes();
  if (!absent.empty()) job.log.warning(absent);
}

/// Collective. True if there is nothing left to do.
bool go_on_from(Job& job, const StartPoint& start_point, const nlohmann::ordered_json& settings,
                const nlohmann::ordered_json& defaults, train::Trainer& trainer) {
  const auto& checkpoint = start_point.checkpoint;
  if (!checkpoint) return false;
  comm::run_on_all_ranks(*job.control, job.layout, [&] {
    if (job.layout.rank == 0) require_same_settings(*checkpoint, settings, defaults);
  });
  comm::run_on_all_ranks(*job.control, job.layout, [&] { trainer.restore(*checkpoint); });
  const auto& position = checkpoint->position;
  if (start_point.completed && position.steps >= trainer.total_steps()) {
    job.log.info(fmt::format(
        "this run is finished: {} steps; --epochs or --max-steps make it longer", position.steps));
    return true;
  }
  job.log.info(fmt::format("going on from {}: epoch {}, step {}", checkpoint->path, position.epoch,
                           position.steps));
  return false;
}

/// Collective.
void check_trace(Job& job, const train::OutputOptions& output, const StartPoint& start_point) {
  comm::run_on_all_ranks(*job.control, job.layout, [&] {
    if (job.layout.rank != 0) return;
    require_usable_trace(output.trace, start_point.folder ? start_point.folder->path()
                                                          : fs::path(output.output_dir));
  });
}

/// What files of weights say of their origin.
model::SafetensorsMetadata metadata_of(task::Task& task, const train::NodeDataset& dataset,
                                       const train::DatasetDigests& digests) {
  auto spec = dataset.shape.spec();
  if (auto* classes = std::get_if<data::ClassTarget>(&spec.target)) {
    classes->names = dataset.class_names(digests);
  }
  return {{train::kDatasetEntry, nlohmann::json(digests).dump()},
          {task::kTaskEntry, task::describe(task).dump()},
          {task::kSamplesEntry, data::to_json(spec).dump()}};
}

/// What `train` needs to know of the command line.
struct CommandLine {
  const std::string& program;
  const options::OptionTable& table;
  nlohmann::ordered_json defaults;  ///< the table's values before any was set
};

void train(Job& job, const CommandLine& line, train::TrainOptions& options, task::Task& task,
           runtime::StopRequest& stop) {
  // A reader that goes away (`| head`) makes writing fail, but does not end training.
  (void)std::signal(SIGPIPE, SIG_IGN);
  stop.set_patience(second_limit(options.distribution));
  start_watching(job, options.distribution);
  auto start_point = find_start_point(job, options);
  check_trace(job, options.output, start_point);
  keep_weight_decay(start_point, options.optimization);
  const auto training = set_up_training(job, options, task, stop);
  const auto& compute = training->compute;
  const auto& sizes = training->sizes;
  const auto& dataset = training->dataset;
  nlohmann::ordered_json settings;
  const auto digests = comm::run_long_on_all_ranks(*job.control, job.layout, [&] {
    return job.layout.rank == 0 ? dataset.digests() : train::DatasetDigests();
  });
  model::SafetensorsMetadata metadata;
  if (job.layout.rank == 0) {
    settings = settings_of(options, sizes, line.table, task, dataset, digests);
    metadata = metadata_of(task, dataset, digests);
  }
  if (go_on_from(job, start_point, settings, line.defaults, *training->trainer)) {
    return end_training(job, *training);
  }

  const auto devices = comm::gather_texts(*job.control, device_name(compute));

  // Last, so that a run that cannot start leaves no folder.
  const auto output = comm::run_on_all_ranks(*job.control, job.layout, [&] {
    if (job.layout.rank != 0) return Output{nullptr, metrics::make_fan_out_sink({}), nullptr};
    auto opened = open_output(options, start_point, job.log, training->trainer->epoch_is_trained());
    const auto& folder = opened.folder->path();
    task.resolve_data(dataset.folder);
    resolve_for_record(options, sizes, compute, dataset, training->gradients->overlaps(), folder);
    const auto values = current_values(line.table);
    write_run_record(folder, line.program, values, job.layout, devices, dataset, digests);
    opened.events = make_event_sinks(options.output, values, folder);
    announce(job, sizes, compute, dataset, digests, folder.string());
    const auto no_trace = why_no_trace(
        options.output, start_point.checkpoint ? start_point.checkpoint->position.steps : 0,
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
      .steps_before = start_point.checkpoint ? start_point.checkpoint->position.steps : 0,
      .startup_seconds = runtime::seconds_since_process_start()});
  const auto result = end_together(job, [&] {
    return training->trainer->run(*output.events, {output.checkpoints.get(), settings, metadata});
  });
  finish_run(job, result, *training, output, digests, metadata);
  end_training(job, *training);
}

}  // namespace

int train_command(const TrainProgram& program, const task::TaskFactory& make_task,
                  const Arguments& arguments) {
  // From here on, so that a signal is not lost while the ranks connect to each other.
  runtime::StopRequest stop;
  train::TrainOptions options;
  const auto task = make_task();
  const Command command = {
      .usage = usage_of(program),
      .table = train_option_table(options, *task),
      .with_scratch_table =
          [&](const auto& use) {
            train::TrainOptions scratch;
            const auto scratch_task = make_task();
            use(train_option_table(scratch, *scratch_task));
          },
      .names_elsewhere = program.names_elsewhere,
      .complete = [&](GivenOptions& given) { add_recorded_options(given, make_task); }};
  const CommandLine line{program.command, command.table, current_values(command.table)};
  return run_command(command, arguments, [&](Job& job) { train(job, line, options, *task, stop); });
}

}  // namespace lockstep::session

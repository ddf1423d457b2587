#include <cmath>
#include <utility>

#include <fmt/format.h>

#include <lockstep/comm/agreement.hpp>
#include <lockstep/comm/gather.hpp>
#include <lockstep/data/normalization.hpp>
#include <lockstep/data/spec_json.hpp>
#include <lockstep/metrics/sinks.hpp>
#include <lockstep/session/command.hpp>
#include <lockstep/session/shared_options.hpp>
#include <lockstep/session/training_setup.hpp>
#include <lockstep/sync/broadcast_state.hpp>
#include <lockstep/task/builtin_task.hpp>
#include <lockstep/train/evaluator.hpp>
#include <lockstep/train/node_dataset.hpp>
#include <lockstep/train/options.hpp>

#include "cli/checkpoint_option.hpp"
#include "cli/command_list.hpp"
#include "commands/commands.hpp"

namespace lockstep::app {
namespace {

/// A checkpoint, and train's options for data, loss and device.
struct EvaluateOptions {
  std::string checkpoint;
  task::BuiltinTask task;
  train::TrainOptions common;
};

options::OptionTable evaluate_option_table(EvaluateOptions& options) {
  auto& common = options.common;
  auto with_data = session::joined_group(
      "Evaluation", {checkpoint_option(options.checkpoint), options.task.moved_model_option()},
      options.task.data_options());
  return {session::joined_group(
      "Evaluation", std::move(with_data.options),
      {session::test_samples_option(common.data), session::loss_option(common.model),
       session::label_smoothing_option(common.model), session::device_option(common.distribution),
       session::threads_option(common.distribution),
       session::test_batch_size_option(common.output)})};
}

constexpr const char* kEvaluateUsage =
    "Usage: [mpirun -np N] lockstep evaluate --checkpoint FILE [options]\n\n"
    "Runs the tutorial's test loop with weights from a file (of Lockstep, or of PyTorch saved as\n"
    "safetensors under the tutorial's names) and prints accuracy and average loss.\n\n";

/// Only rank 0 reads them.
model::Weights read_weights(session::Job& job, const std::string& checkpoint) {
  return comm::run_on_all_ranks(*job.control, job.layout, [&] {
    require_checkpoint(checkpoint);
    return job.layout.rank == 0 ? model::read_weights(checkpoint) : model::Weights();
  });
}

/// A network for such samples with rank 0's weights, on every rank.
model::NetworkPtr make_network(session::Job& job, const model::Weights& weights, task::Task& task,
                               const data::SampleSpec& spec) {
  comm::run_on_all_ranks(*job.control, job.layout, [&] {
    if (job.layout.rank == 0) task::configure_for(task, weights, spec);
  });
  const auto text = comm::broadcast_text(*job.control, task::describe(task).dump(), 0);
  comm::run_on_all_ranks(*job.control, job.layout, [&] {
    if (job.layout.rank != 0) {
      task::configure(task, nlohmann::ordered_json::parse(text), "rank 0's weights");
    }
  });
  task.read_files([&](const std::string& path) { return session::read_on_all_ranks(job, path); });
  auto network = comm::run_on_all_ranks(*job.control, job.layout, [&] {
    auto made = task.make_network(spec);
    if (job.layout.rank == 0) {
      for (const auto& note : model::load_weights(*made, weights)) job.log.info(note);
    }
    return made;
  });
  sync::broadcast_state(*network, *job.control);
  return network;
}

/// Collective. Normalises inputs as those that rank 0's weights were trained on.
void normalize_as_trained(session::Job& job, const model::Weights& weights,
                          train::NodeDataset& dataset) {
  auto text = comm::run_on_all_ranks(*job.control, job.layout, [&] {
    const auto trained_on = job.layout.rank == 0 ? task::samples_of(weights) : std::nullopt;
    return trained_on ? data::to_json(*trained_on).dump() : std::string();
  });
  text = comm::broadcast_text(*job.control, std::move(text), 0);
  if (text.empty()) return;
  const auto trained_on = data::spec_from_json(nlohmann::ordered_json::parse(text)).value();
  dataset.set_input(data::normalized_as(dataset.shape.spec().input, trained_on.input));
}

void evaluate(session::Job& job, EvaluateOptions& options) {
  const auto weights = read_weights(job, options.checkpoint);
  const auto compute = session::prepare_compute(job, options.common.distribution);
  auto dataset =
      train::load_node_dataset([&] { return options.task.open_data(); }, options.common.data,
                               job.layout, *job.control, job.board());
  if (!dataset.warning.empty()) job.log.warning(dataset.warning);
  comm::run_on_all_ranks(*job.control, job.layout,
                         [&] { train::check_loss(options.common.model, dataset.shape.spec()); });
  const auto network = make_network(job, weights, options.task, dataset.shape.spec());
  network->to(compute.device);
  normalize_as_trained(job, weights, dataset);
  const auto& model = options.common.model;
  train::Evaluator evaluator(network, model::loss_function(model.loss, model.label_smoothing),
                             *job.control, dataset.test.to(compute.device), dataset.test.indices(),
                             options.common.output.test_batch_size);
  const auto result = evaluator.evaluate(metrics::Evaluation::Set::kTest, 0);
  if (job.layout.rank == 0 && !std::isfinite(result.average_loss)) {
    job.log.warning(fmt::format(
        "{}: with these weights the outputs for some test images overflow: the results mean little",
        options.checkpoint));
  }
  if (job.layout.rank == 0) metrics::make_console_sink()->on(result);
}

int run_evaluate(const Arguments& arguments) {
  EvaluateOptions options;
  return session::run_command(
      make_command("evaluate", kEvaluateUsage, evaluate_option_table(options)), arguments,
      [&](session::Job& job) { evaluate(job, options); });
}

}  // namespace

Command evaluate_command() {
  return {.name = "evaluate",
          .operands = "",
          .summary = "test accuracy and loss of saved weights",
          .with_table = table_for(evaluate_option_table),
          .run = run_evaluate};
}

}  // namespace lockstep::app

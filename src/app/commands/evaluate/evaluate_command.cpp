#include <cmath>
#include <utility>

#include <fmt/format.h>

#include <lockstep/comm/agreement.hpp>
#include <lockstep/comm/gather.hpp>
#include <lockstep/metrics/sinks.hpp>
#include <lockstep/session/command.hpp>
#include <lockstep/session/shared_options.hpp>
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
  auto with_data = session::joined_group("Evaluation", {checkpoint_option(options.checkpoint)},
                                         options.task.data_options());
  return {session::joined_group(
      "Evaluation", std::move(with_data.options),
      {session::test_samples_option(common.data), session::loss_option(common.model),
       session::device_option(common.distribution), session::threads_option(common.distribution),
       session::test_batch_size_option(common.output)})};
}

constexpr const char* kEvaluateUsage =
    "Usage: [mpirun -np N] lockstep evaluate --checkpoint FILE [options]\n\n"
    "Runs the tutorial's test loop with weights from a file (of Lockstep, or of PyTorch saved as\n"
    "safetensors under the tutorial's names) and prints accuracy and average loss.\n\n";

/// The weights in `checkpoint`, which only rank 0 reads, on every rank.
model::NetworkPtr load_network(session::Job& job, const std::string& checkpoint, task::Task& task) {
  model::Weights weights;
  comm::run_on_all_ranks(*job.control, job.layout, [&] {
    require_checkpoint(checkpoint);
    if (job.layout.rank != 0) return;
    weights = model::read_weights(checkpoint);
    task::configure_for(task, weights);
  });
  const auto text = comm::broadcast_text(*job.control, task::describe(task).dump(), 0);
  auto network = comm::run_on_all_ranks(*job.control, job.layout, [&] {
    if (job.layout.rank != 0) {
      task::configure(task, nlohmann::ordered_json::parse(text), checkpoint);
    }
    auto made = task.make_network(task.sample_spec());
    if (job.layout.rank == 0) {
      model::load_state(*made, weights.tensors, checkpoint);
      for (const auto& note : weights.notes) job.log.info(note);
    }
    return made;
  });
  sync::broadcast_state(*network, *job.control);
  return network;
}

void evaluate(session::Job& job, EvaluateOptions& options) {
  auto network = load_network(job, options.checkpoint, options.task);
  const auto compute = session::prepare_compute(job, options.common.distribution);
  network->to(compute.device);
  const auto dataset = train::load_node_dataset([&] { return options.task.open_data(); },
                                                options.common.data, job.layout, *job.control);
  train::Evaluator evaluator(network, model::loss_function(options.common.model.loss), *job.control,
                             dataset.test.to(compute.device), dataset.test.indices(),
                             options.common.output.test_batch_size);
  const auto result = evaluator.evaluate(metrics::Evaluation::Set::kTest, 0);
  if (job.layout.rank == 0 && !std::isfinite(result.average_loss)) {
    job.log.warning(fmt::format(
        "{}: with these weights the outputs for some test images overflow: the figures mean little",
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

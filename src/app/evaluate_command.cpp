#include <cstdio>

#include <fmt/format.h>

#include <lockstep/app/commands.hpp>
#include <lockstep/app/run_command.hpp>
#include <lockstep/app/train_option_table.hpp>
#include <lockstep/comm/agreement.hpp>
#include <lockstep/metrics/sinks.hpp>
#include <lockstep/model/safetensors.hpp>
#include <lockstep/sync/broadcast_parameters.hpp>
#include <lockstep/train/evaluator.hpp>
#include <lockstep/train/node_dataset.hpp>

namespace lockstep::app {
namespace {

constexpr const char* kEvaluateUsage =
    "Usage: [mpirun -np N] lockstep evaluate --checkpoint FILE [options]\n\n"
    "Runs the tutorial's test loop with weights from a file (of Lockstep, or of PyTorch saved as\n"
    "safetensors under the tutorial's names) and prints accuracy and average loss.\n\n";

/// The weights in `checkpoint`, which only rank 0 reads, on every rank.
model::NeuralNetwork load_network(Job& job, const std::string& checkpoint) {
  std::vector<model::NamedParameter> tensors;
  std::vector<std::int64_t> hidden;
  comm::run_on_all_ranks(*job.control, job.layout, [&] {
    if (checkpoint.empty()) throw UsageError("--checkpoint FILE is missing: which weights?");
    if (job.layout.rank != 0) return;
    tensors = model::read_parameters(checkpoint);
    hidden = model::hidden_widths_of(tensors, data::kImagePixels, data::kClasses, checkpoint);
  });
  const auto text = comm::broadcast_text(*job.control, nlohmann::json(hidden).dump(), 0);
  auto network = comm::run_on_all_ranks(*job.control, job.layout, [&] {
    auto made = model::make_neural_network(data::kImagePixels, nlohmann::json::parse(text),
                                           data::kClasses, 0);
    if (job.layout.rank == 0) model::load_parameters(*made, tensors, checkpoint);
    return made;
  });
  sync::broadcast_parameters(*network, *job.control);
  return network;
}

void evaluate(Job& job, const EvaluateOptions& options) {
  auto network = load_network(job, options.checkpoint);
  const auto compute = prepare_compute(job, options.common.distribution);
  network->to(compute.device);
  const auto dataset = train::load_node_dataset(options.common.data, job.layout, *job.control);
  train::Evaluator evaluator(network, options.common.model.loss, *job.control,
                             dataset.test.to(compute.device), dataset.test.indices(),
                             options.common.output.test_batch_size);
  const auto result = evaluator.evaluate(metrics::Evaluation::Set::kTest, 0);
  if (job.layout.rank == 0) metrics::make_console_sink()->on(result);
}

}  // namespace

int evaluate_command(const Arguments& arguments) {
  EvaluateOptions options;
  return run_command(kEvaluateUsage, evaluate_option_table(options), arguments,
                     [&](Job& job) { evaluate(job, options); });
}

}  // namespace lockstep::app

#include <cstdio>
#include <numeric>

#include <fmt/format.h>

#include <lockstep/app/commands.hpp>
#include <lockstep/app/job.hpp>
#include <lockstep/app/train_option_table.hpp>
#include <lockstep/comm/agreement.hpp>
#include <lockstep/metrics/sinks.hpp>
#include <lockstep/model/safetensors.hpp>
#include <lockstep/train/evaluator.hpp>
#include <lockstep/train/node_dataset.hpp>

namespace lockstep::app {
namespace {

constexpr const char* kUsage =
    "Usage: [mpirun -np N] lockstep evaluate --checkpoint FILE [options]\n\n"
    "Runs the tutorial's test loop with weights from a file (of Lockstep, or of PyTorch saved as\n"
    "safetensors under the tutorial's names) and prints accuracy and average loss.\n\n";

model::NeuralNetwork load_network(const std::string& checkpoint) {
  if (checkpoint.empty()) throw UsageError("--checkpoint FILE is missing: which weights?");
  const auto tensors = model::read_safetensors(checkpoint);
  const auto hidden =
      model::hidden_widths_of(tensors, data::kImagePixels, data::kClasses, checkpoint);
  auto network = model::make_neural_network(data::kImagePixels, hidden, data::kClasses, 0);
  model::load_parameters(*network, tensors, checkpoint);
  return network;
}

void evaluate(Job& job, const Arguments& arguments) {
  EvaluateOptions options;
  train::TrainOptions elsewhere;
  take_options(job, evaluate_option_table(options), arguments,
               option_names(train_option_table(elsewhere)));
  auto network = comm::run_on_all_ranks(*job.control, job.layout, [&] {
    train::check_combinations(options.common);
    return load_network(options.checkpoint);
  });
  const auto compute = prepare_compute(job, options.common.distribution);
  network->to(compute.device);
  const auto dataset = train::load_node_dataset(options.common.data, 0, job.layout, *job.control);
  std::vector<std::int64_t> samples(static_cast<std::size_t>(dataset.test.size()));
  std::iota(samples.begin(), samples.end(), 0);
  train::Evaluator evaluator(
      network, options.common.model.loss, *job.control,
      {dataset.test.images.to(compute.device), dataset.test.labels.to(compute.device)}, samples,
      options.common.output.test_batch_size);
  const auto result = evaluator.evaluate(metrics::Evaluation::Set::kTest, 0);
  if (job.layout.rank == 0) metrics::make_console_sink()->on(result);
}

}  // namespace

int evaluate_command(const Arguments& arguments) {
  if (asks_for_help(arguments)) {
    EvaluateOptions defaults;
    fmt::print("{}{}", kUsage, help_text(evaluate_option_table(defaults)));
    return 0;
  }
  return run_job([&](Job& job) { evaluate(job, arguments); });
}

}  // namespace lockstep::app

#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include <lockstep/options/bindings.hpp>
#include <lockstep/session/shared_options.hpp>
#include <lockstep/session/train_option_table.hpp>
#include <lockstep/sync/gradient_reducer.hpp>
#include <lockstep/train/optimizer_kind.hpp>

#include "metric_options.hpp"

namespace lockstep::session {
namespace {

using options::auto_on_off;
using options::choice;
using options::flag;
using options::fraction;
using options::integer;
using options::non_negative_number;
using options::on_off;
using options::Option;
using options::OptionGroup;
using options::OptionTable;
using options::parsed_text;
using options::path;
using options::positive_number;
using options::Scope;
using options::seed;

using data::Tail;
using train::LearningRateSchedule;

constexpr std::int64_t kMaxEpochs = 1'000'000;
constexpr std::int64_t kMaxTracedSteps = 1000;
constexpr std::int64_t kMaxShards = 1 << 12;

/// What happens to inputs on their way to the network.
std::vector<Option> input_options(train::DataOptions& data) {
  return {
      {"normalize",
       "inputs less MEAN, divided by STD, of each channel; auto: those of the training part "
       "(default none)",
       parsed_text<data::Normalization>(
           data.normalization, "none/auto/MEAN:STD,…",
           "auto, none, or MEAN:STD with STD above 0, for all channels or for each, joined by "
           "commas",
           data::parse_normalization, data::to_text)},
      {"augment",
       "flip: mirror training images with probability 1/2; crop:N: shift them by up to N pixels; "
       "flip,crop:N: both (default none)",
       parsed_text<data::Augmentation>(
           data.augmentation, "none/flip/crop:N,…",
           fmt::format("flip, crop:N with N from 1 to {}, both with a comma, or none",
                       data::kMaxCrop),
           data::parse_augmentation, data::to_text)}};
}

OptionGroup data_group(train::DataOptions& data, task::Task& task) {
  auto group = joined_group(
      "Data", task.data_options(),
      {{"validation-fraction", "share of the training images held back for validation (default 0)",
        fraction(data.validation_fraction)},
       {"train-samples", "use only the first N training images (default 0: all)",
        integer(data.train_samples, 0)},
       test_samples_option(data)});
  for (auto& option : input_options(data)) group.options.push_back(std::move(option));
  return group;
}

OptionGroup sampling_group(train::SamplingOptions& sampling) {
  return {
      "Sampling",
      {{"batch-size", "images per rank in one forward pass (default 64)",
        integer(sampling.batch_size, 1, kMaxSamplesAPass), Effect::kOrderOfSums, Scope::kImplied},
       {"global-batch-size", "images per step over all ranks, instead of --batch-size",
        integer(sampling.global_batch_size, 1, sync::kMaxSamplesAStep)},
       {"shuffle", "a new order each epoch (default on)", on_off(sampling.shuffle)},
       {"seed", "seed of the initial weights (default 0)", seed(sampling.seed), Effect::kInput},
       {"data-seed", "seed of the order of samples (default: --seed)", seed(sampling.data_seed)},
       {"tail",
        "images that ranks cannot share evenly: repeat some, drop some, or neither (default "
        "pad)",
        choice<Tail>(sampling.tail,
                     {{"pad", Tail::kPad}, {"drop", Tail::kDrop}, {"exact", Tail::kExact}})}}};
}

OptionGroup model_group(train::ModelOptions& model, task::Task& task) {
  return joined_group("Model", task.network_options(),
                      {loss_option(model),
                       label_smoothing_option(model),
                       {"init-from", "initial weights from a .safetensors file",
                        path(model.init_from, "FILE"), Effect::kInput}});
}

OptionGroup duration_group(train::OptimizationOptions& optimization) {
  return {"Duration",
          {{"epochs", "passes over the training data (default 10)",
            integer(optimization.epochs, 1, kMaxEpochs), Effect::kLength},
           {"max-steps", "stop after N steps (default 0: no limit)",
            integer(optimization.max_steps, 0), Effect::kLength},
           early_stop_option(optimization)}};
}

std::vector<std::pair<std::string, std::string>> optimizer_names() {
  std::vector<std::pair<std::string, std::string>> names;
  for (const auto& kind : train::optimizer_kinds()) names.emplace_back(kind.name, kind.name);
  return names;
}

OptionGroup optimization_group(train::OptimizationOptions& optimization) {
  return {
      "Optimisation",
      {{"optimizer", "the optimizer (default sgd)",
        choice<std::string>(optimization.optimizer, optimizer_names())},
       {"lr", "learning rate of every optimizer (default 0.001)", positive_number(optimization.lr)},
       {"momentum", "momentum of sgd and rmsprop (default 0)", fraction(optimization.momentum)},
       {"nesterov", "Nesterov momentum, for sgd with a --momentum", flag(optimization.nesterov)},
       {"weight-decay", "weight decay (default: 0.01 with adamw, else 0, as in PyTorch)",
        non_negative_number(optimization.weight_decay)},
       {"lr-schedule", "schedule of the learning rate (default constant)",
        choice<LearningRateSchedule>(optimization.lr_schedule,
                                     {{"constant", LearningRateSchedule::kConstant},
                                      {"step", LearningRateSchedule::kStep},
                                      {"cosine", LearningRateSchedule::kCosine},
                                      {"linear", LearningRateSchedule::kLinear},
                                      {"onecycle", LearningRateSchedule::kOneCycle}})},
       {"lr-step-epochs", "step schedule: epochs between two cuts (default 1)",
        integer(optimization.lr_step_epochs, 1, kMaxEpochs)},
       {"lr-gamma", "step schedule: factor of each cut (default 0.1)",
        positive_number(optimization.lr_gamma)},
       {"warmup-steps", "steps over which the learning rate rises to --lr (default 0)",
        integer(optimization.warmup_steps, 0)},
       {"accumulate-steps", "forward passes per optimizer step (default 1)",
        integer(optimization.accumulate_steps, 1, kMaxSamplesAPass), Effect::kRounding},
       {"clip-grad-norm", "limit of the gradient's global norm (default 0: none)",
        non_negative_number(optimization.clip_grad_norm)},
       {"ema-decay",
        "also keep and evaluate an exponential moving average of the weights with this decay "
        "(default 0: none)",
        fraction(optimization.ema_decay)},
       {"precision",
        "precision of matrix products; weights and gradients stay float32 (default fp32)",
        choice<model::Precision>(optimization.precision, {{"fp32", model::Precision::kFp32},
                                                          {"tf32", model::Precision::kTf32},
                                                          {"bf16", model::Precision::kBf16}})}}};
}

OptionGroup distribution_group(train::DistributionOptions& distribution) {
  return {
      "Distribution",
      {device_option(distribution),
       backend_option(distribution),
       node_shared_option(distribution),
       collective_timeout_option(distribution),
       threads_option(distribution),
       {"bucket-mb", "MiB of gradients sent at once when overlapping (default 25)",
        positive_number(distribution.bucket_mb), Effect::kOrderOfSums},
       {"first-bucket-mb", "MiB of the first bucket (default 1)",
        positive_number(distribution.first_bucket_mb), Effect::kOrderOfSums},
       {"virtual-shards",
        "bit-identical weights at 1, 2, 4 … N ranks: cut each batch into N shards (default 0: "
        "off)",
        integer(distribution.virtual_shards, 0, kMaxShards)},
       {"check-replicas-every",
        "steps between two checks that all ranks' weights are the same (default 0: at the end)",
        integer(distribution.check_replicas_every, 0), Effect::kNothing},
       {"overlap", "all-reduce during backward (default auto: if there is a spare core or a GPU)",
        auto_on_off(distribution.overlap), Effect::kOrderOfSums, Scope::kMachine}}};
}

OptionGroup output_group(train::OutputOptions& output) {
  return {
      "Output",
      {{"output-dir", "folder for the results (default runs/<UTC time>-<n>)",
        path(output.output_dir, "DIR"), Effect::kNothing, Scope::kStart},
       {"log-every", "steps between two loss lines (default 100)", integer(output.log_every, 1),
        Effect::kNothing},
       {"evaluate-every", "epochs between two test loops (default 1)",
        integer(output.evaluate_every, 1, kMaxEpochs), Effect::kNothing},
       {"checkpoint-every", "steps between two checkpoints (default 0: each epoch)",
        integer(output.checkpoint_every, 0), Effect::kNothing},
       {"keep-checkpoints", "keep the newest N (default 3)", integer(output.keep_checkpoints, 1),
        Effect::kNothing},
       keep_best_option(output),
       {"resume",
        "auto: continue from the newest checkpoint in --output-dir, if there is one; or continue "
        "the run in this folder, or from this file; options that are not given are the run's own",
        path(output.resume, "auto/DIR/FILE"), Effect::kNothing, Scope::kStart},
       test_batch_size_option(output),
       {"progress", "a line with the state of the run (default auto: on a terminal)",
        auto_on_off(output.progress), Effect::kNothing, Scope::kStart},
       {"tensorboard", "write event files for TensorBoard (default on)", on_off(output.tensorboard),
        Effect::kNothing},
       {"histogram-every",
        "epochs between two histograms of weights and gradients in these files (default 0: none)",
        integer(output.histogram_every, 0, kMaxEpochs), Effect::kNothing},
       {"trace", "write a trace of all ranks, for Perfetto, to this file",
        path(output.trace, "FILE"), Effect::kNothing, Scope::kStart},
       {"trace-first-step", "first step of the run in the trace (default 11: earlier ones warm up)",
        integer(output.trace_first_step, 1), Effect::kNothing, Scope::kStart},
       {"trace-steps", "number of steps in the trace (default 20)",
        integer(output.trace_steps, 1, kMaxTracedSteps), Effect::kNothing, Scope::kStart}}};
}

}  // namespace

OptionGroup communicator_group(train::DistributionOptions& distribution) {
  return {"Distribution",
          {device_option(distribution), backend_option(distribution),
           node_shared_option(distribution), collective_timeout_option(distribution)}};
}

OptionTable step_option_table(train::TrainOptions& options, task::Task& task) {
  return {{"Data", input_options(options.data)},
          sampling_group(options.sampling),
          model_group(options.model, task),
          optimization_group(options.optimization),
          distribution_group(options.distribution)};
}

OptionTable train_option_table(train::TrainOptions& options, task::Task& task) {
  return {data_group(options.data, task),
          sampling_group(options.sampling),
          model_group(options.model, task),
          duration_group(options.optimization),
          optimization_group(options.optimization),
          distribution_group(options.distribution),
          output_group(options.output)};
}

}  // namespace lockstep::session

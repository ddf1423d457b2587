// The options of `lockstep train`, as plain structs. Names, ranges and help texts for the command
// line are in session; docs/options.md explains them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <lockstep/comm/factory.hpp>
#include <lockstep/data/augmentation.hpp>
#include <lockstep/data/distributed_sampler.hpp>
#include <lockstep/data/normalization.hpp>
#include <lockstep/data/sample_spec.hpp>
#include <lockstep/model/loss.hpp>
#include <lockstep/model/precision.hpp>
#include <lockstep/runtime/device.hpp>
#include <lockstep/train/selection.hpp>

namespace lockstep::train {

enum class LearningRateSchedule : std::uint8_t { kConstant, kStep, kCosine, kLinear, kOneCycle };
enum class Overlap : std::uint8_t { kAuto, kOn, kOff };
enum class Progress : std::uint8_t { kAuto, kOn, kOff };

struct DataOptions {
  double validation_fraction = 0;
  std::int64_t train_samples = 0;  ///< 0: all
  std::int64_t test_samples = 0;   ///< 0: all
  data::Augmentation augmentation{};
  data::Normalization normalization{};
};

struct SamplingOptions {
  std::optional<std::int64_t> batch_size;
  std::optional<std::int64_t> global_batch_size;
  bool shuffle = true;
  std::uint64_t seed = 0;
  std::optional<std::uint64_t> data_seed;  ///< default: seed
  data::Tail tail = data::Tail::kPad;
};

struct ModelOptions {
  model::Loss loss = model::Loss::kCrossEntropy;
  double label_smoothing = 0;  ///< of the cross-entropy, in [0, 1)
  std::string init_from;       ///< empty: random weights from the seed
};

struct OptimizationOptions {
  std::int64_t epochs = 10;
  std::int64_t max_steps = 0;  ///< 0: no limit
  std::optional<EarlyStop> early_stop{};
  std::string optimizer = "sgd";  ///< of optimizer_kinds()
  double lr = 1e-3;
  double momentum = 0;
  bool nesterov = false;               ///< needs a momentum
  std::optional<double> weight_decay;  ///< default: PyTorch's for this kind of optimizer
  LearningRateSchedule lr_schedule = LearningRateSchedule::kConstant;
  std::int64_t lr_step_epochs = 1;
  double lr_gamma = 0.1;
  std::int64_t warmup_steps = 0;
  std::int64_t accumulate_steps = 1;
  double clip_grad_norm = 0;  ///< 0: no clipping
  double ema_decay = 0;       ///< of the weights' moving average; 0: there is none
  model::Precision precision = model::Precision::kFp32;
};

struct DistributionOptions {
  runtime::DeviceRequest device = runtime::DeviceRequest::kAuto;
  comm::Backend backend = comm::Backend::kAuto;
  bool node_shared = true;
  double collective_timeout_seconds = 60;
  std::int64_t threads = 0;  ///< 0: one per core that the rank may use
  double bucket_mb = 25;
  double first_bucket_mb = 1;
  Overlap overlap = Overlap::kAuto;
  std::int64_t virtual_shards = 0;        ///< 0: none
  std::int64_t check_replicas_every = 0;  ///< steps; 0: only at the end
};

struct OutputOptions {
  std::string output_dir;  ///< empty: runs/<UTC time>-<n>
  std::int64_t log_every = 100;
  std::int64_t evaluate_every = 1;
  std::int64_t test_batch_size = 64;
  std::int64_t checkpoint_every = 0;  ///< steps; 0: each epoch
  std::int64_t keep_checkpoints = 3;
  std::optional<Metric> keep_best{};
  std::string resume;  ///< "auto", a checkpoint's file, or empty: a new run
  Progress progress = Progress::kAuto;
  bool tensorboard = true;
  std::int64_t histogram_every = 0;  ///< epochs; 0: no histograms
  std::string trace;                 ///< a file; empty: none
  std::int64_t trace_first_step = 11;
  std::int64_t trace_steps = 20;
};

struct TrainOptions {
  DataOptions data;
  SamplingOptions sampling;
  ModelOptions model;
  OptimizationOptions optimization;
  DistributionOptions distribution;
  OutputOptions output;
};

/// The effective weight decay: the one asked for, or PyTorch's default for the optimizer.
[[nodiscard]] double weight_decay_of(const OptimizationOptions& options);

/// The seed of the samples' order and augmentation: the one given, or the run's.
[[nodiscard]] std::uint64_t data_seed_of(const SamplingOptions& options);

/// Throws UsageError for combinations that no single option's range can rule out.
void check_combinations(const TrainOptions& options);

/// Throws UsageError for a metric that evaluations of such samples do not have.
void check_metrics(const TrainOptions& options, const data::SampleSpec& spec);

/// Throws UsageError for a loss that is not for such targets, or that takes no label smoothing.
void check_loss(const ModelOptions& options, const data::SampleSpec& spec);

}  // namespace lockstep::train

#include <array>
#include <span>
#include <string>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include <lockstep/comm/agreement.hpp>
#include <lockstep/comm/factory.hpp>
#include <lockstep/comm/gather.hpp>
#include <lockstep/model/precision.hpp>
#include <lockstep/session/training_setup.hpp>
#include <lockstep/sync/broadcast_state.hpp>

namespace lockstep::session {
namespace {

void set_precision(Job& job, model::Precision precision, const torch::Device& device,
                   model::Network& network) {
  const bool tf32 = precision == model::Precision::kTf32;
  comm::run_on_all_ranks(*job.control, job.layout, [&] {
    if (tf32 && !device.is_cuda()) {
      throw UsageError(
          "--precision tf32 is for GPUs, and this run computes on the CPU: use fp32 or bf16");
    }
    if (precision == model::Precision::kBf16 && !network.use_bfloat16()) {
      throw UsageError("--precision bf16: this network does not support it; use fp32");
    }
  });
  model::allow_tf32(tf32);
}

void require_trainable(const model::Network& network) {
  for (const auto& [name, parameter] : model::named_parameters(network)) {
    if (!parameter.requires_grad()) {
      throw UsageError(fmt::format(
          "parameter '{}' is frozen (requires_grad is off), and this version trains all "
          "parameters: register it as a buffer, which is kept and saved",
          name));
    }
    if (parameter.scalar_type() != torch::kFloat32) {
      throw UsageError(fmt::format("parameter '{}' is {}: parameters must be float32", name,
                                   torch::toString(parameter.scalar_type())));
    }
  }
  if (network.parameters().empty()) throw UsageError("the network has no parameters to train");
}

void require_reasonable_size(const model::Network& network) {
  constexpr std::int64_t kMaxParameters = std::int64_t{1} << 29U;  // MPI counts bytes as int
  std::int64_t parameters = 0;
  for (const auto& parameter : network.parameters()) parameters += parameter.numel();
  if (parameters <= kMaxParameters) return;
  throw UsageError(fmt::format("the network's {} parameters exceed the limit of {}", parameters,
                               kMaxParameters));
}

}  // namespace

std::string read_on_all_ranks(Job& job, const std::string& path) {
  auto mine = comm::run_on_all_ranks(*job.control, job.layout, [&] {
    return job.layout.rank == 0 ? task::read_network_file(path) : std::string();
  });
  return comm::broadcast_text(*job.control, std::move(mine), 0, task::kMaxNetworkFileBytes);
}

namespace {

/// Initial weights: rank 0's, on every rank, on the device.
model::NetworkPtr make_network(Job& job, const train::TrainOptions& options, task::Task& task,
                               const data::SampleSpec& spec, const torch::Device& device) {
  task.read_files([&](const std::string& path) { return read_on_all_ranks(job, path); });
  auto network = comm::run_on_all_ranks(*job.control, job.layout, [&] {
    torch::manual_seed(options.sampling.seed);
    auto made = task.make_network(spec);
    require_trainable(*made);
    require_reasonable_size(*made);
    if (!options.model.init_from.empty() && job.layout.rank == 0) {
      const auto weights = model::read_weights(options.model.init_from);
      for (const auto& note : model::load_weights(*made, weights)) job.log.info(note);
    }
    return made;
  });
  sync::broadcast_state(*network, *job.control);
  network->to(device);
  set_precision(job, options.optimization.precision, device, *network);
  return network;
}

/// True on all ranks or on none: the number of buckets depends on it. If there is a choice,
/// gradients overlap with computation if every rank has a spare core or a GPU.
bool agree_on_overlap(Job& job, const train::DistributionOptions& options, const Compute& compute) {
  std::array<double, 2> ranks_with = {compute.cores > compute.threads ? 1.0 : 0.0,
                                      compute.device.is_cuda() ? 1.0 : 0.0};
  job.control->all_reduce(std::span<double>(ranks_with)).wait();
  const double spare_core = ranks_with[0];
  const double gpu = ranks_with[1];
  const double all = job.layout.world_size;
  comm::run_on_all_ranks(*job.control, job.layout, [&] {
    if (gpu != 0 && gpu != all) {
      throw UsageError(fmt::format(
          "{} of {} ranks have a GPU: start all on hosts with GPUs, or use --device cpu", gpu,
          all));
    }
  });
  if (options.overlap != train::Overlap::kAuto) return options.overlap == train::Overlap::kOn;
  return gpu == all || spare_core == all;
}

/// The ranks that train one replica together.
struct Group {
  runtime::RankLayout layout;
  std::unique_ptr<comm::Communicator> control;  ///< of a rank alone; null: the job's

  [[nodiscard]] bool is_one_rank_alone() const { return control != nullptr; }
};

Group make_group(const Job& job, Together together) {
  if (together == Together::kAllRanks) return {job.layout, nullptr};
  const auto& layout = job.layout;
  runtime::RankLayout alone{.host = layout.host,
                            .process_id = layout.process_id,
                            .hosts = {layout.host},
                            .process_ids = {layout.process_id}};
  auto control = comm::make_communicator({}, alone);
  return {std::move(alone), std::move(control)};
}

/// Collective.
std::unique_ptr<comm::Communicator> make_gradients(Job& job, const Group& group,
                                                   const train::DistributionOptions& options,
                                                   const Compute& compute) {
  if (group.is_one_rank_alone()) {
    comm::run_on_all_ranks(*job.control, job.layout, [&] {
      if (compute.gpu != nullptr) {
        throw UsageError("ranks can train alone only on CPUs: use --device cpu");
      }
    });
    return comm::make_communicator({}, group.layout);
  }
  return make_communicator(job, options, compute, agree_on_overlap(job, options, compute));
}

void require_fitting_loss(const train::ModelOptions& options, task::Task& task,
                          const data::SampleSpec& spec) {
  if (!task.loss()) return train::check_loss(options, spec);
  if (options.label_smoothing > 0) {
    throw UsageError(
        "--label-smoothing is for the cross-entropy of --loss, and this program has a loss of its "
        "own: leave the option out");
  }
}

model::LossFunction loss_of(const train::ModelOptions& options, task::Task& task) {
  auto own = task.loss();
  return own ? own : model::loss_function(options.loss, options.label_smoothing);
}

}  // namespace

std::unique_ptr<Training> set_up_training(Job& job, const train::TrainOptions& options,
                                          task::Task& task, const runtime::StopSource& stop,
                                          Together together) {
  auto group = make_group(job, together);
  const auto sizes = comm::run_on_all_ranks(*job.control, job.layout, [&] {
    train::check_combinations(options);
    return train::resolve_batch_sizes(options, group.layout.world_size);
  });
  auto compute = prepare_compute(job, options.distribution);
  auto dataset = train::load_node_dataset([&] { return task.open_data(); }, options.data,
                                          job.layout, *job.control, job.board());
  if (!dataset.warning.empty()) job.log.warning(dataset.warning);
  comm::run_on_all_ranks(*job.control, job.layout, [&] {
    train::check_enough_samples(options, sizes, dataset.train.size());
    train::check_metrics(options, dataset.shape.spec());
    data::check_augmentation(options.data.augmentation, dataset.shape.spec().input);
    require_fitting_loss(options.model, task, dataset.shape.spec());
  });
  const auto network = make_network(job, options, task, dataset.shape.spec(), compute.device);
  auto gradients = make_gradients(job, group, options.distribution, compute);
  std::unique_ptr<Training> training(new Training{std::move(group.layout), std::move(group.control),
                                                  std::move(compute), sizes, std::move(dataset),
                                                  network, std::move(gradients), nullptr});
  training->trainer = end_together(job, [&] {
    return std::make_unique<train::Trainer>(
        options, sizes,
        train::TrainerParts{.network = network,
                            .loss = loss_of(options.model, task),
                            .train = training->dataset.train.to(training->compute.device),
                            .test = training->dataset.test.to(training->compute.device),
                            .control = training->control ? *training->control : *job.control,
                            .gradients = *training->gradients,
                            .compute = *training->compute.stream,
                            .layout = training->layout,
                            .stop = stop,
                            .board = job.board()});
  });
  return training;
}

void end_training(Job& job, Training& training) {
  training.trainer.reset();
  end_together(job, [&] { training.gradients->close(); });
}

}  // namespace lockstep::session

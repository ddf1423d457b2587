#include <chrono>
#include <cstdlib>
#include <thread>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <lockstep/app/job.hpp>
#include <lockstep/app/option_sources.hpp>
#include <lockstep/comm/agreement.hpp>
#include <lockstep/comm/factory.hpp>
#include <lockstep/runtime/blas_kernels.hpp>
#include <lockstep/runtime/cpu_binding.hpp>
#include <lockstep/runtime/device.hpp>

namespace lockstep::app {
namespace {

/// config.json could not hold anything else.
void require_utf8(const GivenOption& option) {
  try {
    (void)nlohmann::json(option.value).dump();
  } catch (const nlohmann::json::exception&) {
    throw UsageError(fmt::format("{}: the value is not valid UTF-8", option.source));
  }
}

/// The options and warnings of rank 0, on every rank.
std::vector<GivenOption> share_options(Job& job, const OptionTable& table,
                                       const std::vector<std::string>& arguments,
                                       const std::vector<std::string>& names_elsewhere) {
  std::vector<GivenOption> mine;
  comm::run_on_all_ranks(*job.control, job.layout, [&] {
    if (job.layout.rank != 0) return;
    std::vector<std::string> warnings;
    mine = collect_options(table, arguments, process_environment(), names_elsewhere, warnings);
    for (const auto& warning : warnings) job.log.warning(warning);
    for (const auto& option : mine) require_utf8(option);
  });
  auto message = nlohmann::json::array();
  for (const auto& option : mine) message.push_back({option.name, option.value, option.source});
  const auto text = comm::broadcast_text(*job.control, message.dump(), 0);
  std::vector<GivenOption> options;
  for (const auto& item : nlohmann::json::parse(text)) {
    options.push_back(
        {item[0].get<std::string>(), item[1].get<std::string>(), item[2].get<std::string>()});
  }
  return options;
}

runtime::DeviceOffer device_offer() {
  return {.built_with_cuda = torch::hasCUDA() || LOCKSTEP_WITH_CUDA,
          .visible_cuda_devices = static_cast<int>(torch::cuda::device_count()),
          .nvidia_gpus = runtime::count_nvidia_gpus()};
}

void warn_of_idle_gpus(const Job& job, const runtime::DeviceOffer& offer,
                       runtime::DeviceRequest request) {
  if (offer.nvidia_gpus == 0 || offer.visible_cuda_devices > 0 || job.layout.local_rank != 0 ||
      request == runtime::DeviceRequest::kCpu) {
    return;
  }
  job.log.warning(fmt::format(
      "{} has {} NVIDIA GPU{} that stay idle: {}", job.layout.host, offer.nvidia_gpus,
      offer.nvidia_gpus == 1 ? "" : "s",
      offer.built_with_cuda ? "CUDA sees no device (check nvidia-smi and CUDA_VISIBLE_DEVICES)"
                            : "this is a CPU-only build; launch/quickstart.sh --cuda makes one "
                              "that uses them, --device cpu silences this"));
}

void warn_of_slow_kernels(const Job& job) {
  const char* fitting = runtime::openblas_core_for(runtime::read_cpu_features());
  const auto in_use = runtime::openblas_core_in_use();
  // Read before any thread exists that changes the environment; none does.
  const bool told = std::getenv(runtime::kOpenBlasCoreVariable) != nullptr;  // NOLINT(*-mt-unsafe)
  if (!told || fitting == nullptr || in_use.empty() || in_use == fitting ||
      job.layout.local_rank != 0) {
    return;
  }
  job.log.warning(fmt::format(
      "{}: {} makes OpenBLAS run its {} kernels, on this CPU slower than its {} kernels: "
      "unset it",
      job.layout.host, runtime::kOpenBlasCoreVariable, in_use, fitting));
}

}  // namespace

Job::Job() : control(comm::make_communicator({.node_shared = false}, layout)) {}

void end_all_ranks(Job& job, const std::exception_ptr& failure) {
  const auto described = comm::describe_failure(failure);
  if (job.layout.world_size == 1) std::rethrow_exception(failure);
  job.log.error(fmt::format("{}: {}", job.layout.describe(), described.message));
  job.session.abort(described.code);
}

int run_job(const std::function<void(Job&)>& body) {
  Job job;
  try {
    end_together(job, [&] { body(job); });
    return static_cast<int>(ExitCode::kDone);
  } catch (const comm::AgreedError& error) {
    if (error.speaks()) job.log.error(error.what());
    return static_cast<int>(error.code());
  } catch (...) {
    const auto failure = comm::describe_failure(std::current_exception());
    job.log.error(failure.message);
    return static_cast<int>(failure.code);
  }
}

void take_options(Job& job, const OptionTable& table, const std::vector<std::string>& arguments,
                  const std::vector<std::string>& names_elsewhere) {
  const auto given = share_options(job, table, arguments, names_elsewhere);
  comm::run_on_all_ranks(*job.control, job.layout, [&] { apply_options(table, given); });
}

std::unique_ptr<comm::Communicator> make_communicator(Job& job,
                                                      const train::DistributionOptions& options,
                                                      bool overlap) {
  comm::run_on_all_ranks(*job.control, job.layout, [&] { comm::check_backend(options.backend); });
  return end_together(job, [&] {
    return comm::make_communicator(
        {.backend = options.backend,
         .progress_thread = overlap,
         .node_shared = options.node_shared,
         .timeout = std::chrono::duration<double>(options.collective_timeout_seconds)},
        job.layout);
  });
}

Compute prepare_compute(Job& job, const train::DistributionOptions& options) {
  return comm::run_on_all_ranks(*job.control, job.layout, [&] {
    const auto cpus = static_cast<std::int64_t>(std::thread::hardware_concurrency());
    if (cpus > 0 && options.threads > cpus) {
      throw UsageError(
          fmt::format("--threads {}: {} has only {} CPUs", options.threads, job.layout.host, cpus));
    }
    warn_of_slow_kernels(job);
    const auto offer = device_offer();
    warn_of_idle_gpus(job, offer, options.device);
    const auto device = runtime::choose_device(options.device, offer, job.layout);
    const auto plan = runtime::plan_cpus(runtime::read_cpu_topology(), job.layout.local_rank,
                                         job.layout.local_size, static_cast<int>(options.threads));
    runtime::bind_to_cpus(plan.cpus);
    torch::set_num_threads(plan.threads);
    Compute compute{.cores = plan.cores, .threads = plan.threads};
    if (device.is_cuda) {
      compute.device = torch::Device(torch::kCUDA, static_cast<torch::DeviceIndex>(device.index));
    }
    return compute;
  });
}

}  // namespace lockstep::app

#include <cstdlib>
#include <set>
#include <string_view>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include <lockstep/comm/agreement.hpp>
#include <lockstep/comm/gather.hpp>
#include <lockstep/runtime/blas_kernels.hpp>
#include <lockstep/runtime/cpu_binding.hpp>
#include <lockstep/runtime/cpu_model.hpp>
#include <lockstep/runtime/cuda_devices.hpp>
#include <lockstep/runtime/device.hpp>
#include <lockstep/runtime/openmp.hpp>
#include <lockstep/session/compute.hpp>
#include <lockstep/session/job.hpp>

namespace lockstep::session {
namespace {

bool ranks_may_share() {
  // No thread changes the environment.
  const char* value = std::getenv(runtime::kNcclMultiRankVariable);  // NOLINT(*-mt-unsafe)
  return value != nullptr && std::string_view(value) == "1";
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

/// As many of the planned threads as OpenMP gives. If the user set their number: all or none.
int usable_threads(const Job& job, const runtime::CpuPlan& plan,
                   const train::DistributionOptions& options) {
  const int usable = runtime::count_openmp_threads(plan.threads);
  if (usable == plan.threads) return usable;
  constexpr const char* kCauses = "OMP_THREAD_LIMIT or OMP_MAX_ACTIVE_LEVELS";
  if (options.threads > 0) {
    throw UsageError(fmt::format("--threads {}: OpenMP gives this process only {}: unset {}",
                                 options.threads, usable, kCauses));
  }
  if (job.layout.local_rank == 0) {
    job.log.warning(
        fmt::format("{}: computing with {} of {} threads, which is all that OpenMP gives: "
                    "unset {} to use more",
                    job.layout.host, usable, plan.threads, kCauses));
  }
  return usable;
}

void bind_to_cores(const Job& job, const train::DistributionOptions& options, Compute& compute) {
  const auto cpus = static_cast<std::int64_t>(std::thread::hardware_concurrency());
  if (cpus > 0 && options.threads > cpus) {
    throw UsageError(
        fmt::format("--threads {}: {} has only {} CPUs", options.threads, job.layout.host, cpus));
  }
  // A number of threads that depends on the number of ranks would change bits.
  const std::int64_t threads =
      options.threads == 0 && options.virtual_shards > 0 ? 1 : options.threads;
  const auto plan = runtime::plan_cpus(runtime::read_cpu_topology(), job.layout.local_rank,
                                       job.layout.local_size, static_cast<int>(threads));
  if (plan.idle_cores > 0 && job.layout.local_rank == 0) {
    job.log.warning(fmt::format(
        "{}: OMP_PROC_BIND keeps each rank's threads on {} of the {} cores of its share: {}",
        job.layout.host, plan.cores, plan.cores + plan.idle_cores, runtime::kOpenMpBindingRemedy));
  }
  runtime::bind_to_cpus(plan.cpus);
  compute.cores = plan.cores;
  compute.threads = usable_threads(job, plan, options);
  torch::set_num_threads(compute.threads);
}

/// The GPU that `compute` uses; an empty one if CUDA does not see it.
runtime::CudaDevice gpu_of(const Compute& compute) {
  const std::size_t index = static_cast<unsigned char>(compute.device.index());
  const auto system = runtime::query_cuda_system();
  return index < system.devices.size() ? system.devices[index] : runtime::CudaDevice{};
}

/// Collective.
void require_devices_of_their_own(Job& job, const Compute& compute) {
  const auto uuid = compute.device.is_cuda() ? gpu_of(compute).uuid : "";
  const auto uuids = comm::gather_texts(*job.control, uuid);
  comm::run_on_all_ranks(*job.control, job.layout, [&] {
    runtime::check_devices_differ(uuids, job.layout, ranks_may_share());
  });
  const std::set<std::string> different(uuids.begin(), uuids.end());
  if (compute.device.is_cuda() && different.size() < uuids.size() && job.layout.rank == 0) {
    job.log.warning("ranks share a GPU, which is for tests: they are slower than one rank alone");
  }
}

}  // namespace

std::string device_name(const Compute& compute) {
  if (!compute.device.is_cuda()) return runtime::cpu_model();
  const auto name = gpu_of(compute).name;
  return name.empty() ? "unknown" : name;
}

runtime::DeviceOffer device_offer() {
  return {.built_with_cuda = torch::hasCUDA() || LOCKSTEP_WITH_CUDA,
          .visible_cuda_devices = static_cast<int>(torch::cuda::device_count()),
          .nvidia_gpus = runtime::count_nvidia_gpus(),
          .ranks_may_share = ranks_may_share()};
}

Compute prepare_compute(Job& job, const train::DistributionOptions& options) {
  auto compute = comm::run_on_all_ranks(*job.control, job.layout, [&] {
    Compute chosen;
    bind_to_cores(job, options, chosen);
    warn_of_slow_kernels(job);
    const auto offer = device_offer();
    warn_of_idle_gpus(job, offer, options.device);
    const auto device = runtime::choose_device(options.device, offer, job.layout);
    if (device.is_cuda) {
      chosen.device = torch::Device(torch::kCUDA, static_cast<torch::DeviceIndex>(device.index));
    }
    return chosen;
  });
  require_devices_of_their_own(job, compute);
  comm::run_on_all_ranks(*job.control, job.layout, [&] {
    if (compute.device.is_cuda()) {
      auto stream = compute_on_gpu(compute.device.index(), second_limit(options));
      compute.gpu = stream.get();
      compute.stream = std::move(stream);
    } else {
      compute.stream = std::make_unique<runtime::HostStream>();
    }
  });
  return compute;
}

}  // namespace lockstep::session

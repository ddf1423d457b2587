#include "commands/doctor/rank_facts.hpp"

#include <sys/statvfs.h>

#include <fmt/format.h>

#include <lockstep/base/json_text.hpp>
#include <lockstep/comm/gather.hpp>
#include <lockstep/comm/nccl_api.hpp>
#include <lockstep/options/option_sources.hpp>
#include <lockstep/runtime/blas_kernels.hpp>
#include <lockstep/runtime/cpu_binding.hpp>
#include <lockstep/runtime/cuda_devices.hpp>
#include <lockstep/runtime/device.hpp>
#include <lockstep/runtime/mpi_session.hpp>
#include <lockstep/runtime/openmp.hpp>
#include <lockstep/session/launch_environment.hpp>
#include <lockstep/session/version_text.hpp>

namespace lockstep::app {

// Converts facts to JSON and back, for gathering them.
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(RankFacts, rank, world_size, local_rank, local_size, host,
                                   process_id, launcher_variables, settings, versions,
                                   clock_seconds, data, data_description, data_as_published,
                                   data_trouble, cores, threads, threads_by, usable_threads,
                                   idle_cores, cpus, openblas_kernels, fitting_kernels,
                                   shared_memory_folder, shared_memory_bytes, device, device_uuid,
                                   device_trouble, nvidia_gpus, visible_devices, built_with_cuda,
                                   cuda_trouble, peers_reach_all, ranks_may_share, cuda_runtime,
                                   cuda_driver, nccl_compiled, nccl_loaded)

namespace {

/// Variables that often explain a puzzling difference between hosts.
std::map<std::string, std::string> settings() {
  std::map<std::string, std::string> found;
  for (const auto& variable : options::process_environment()) {
    for (const char* beginning : {"LOCKSTEP_", "NCCL_", "UCX_", "OPENBLAS_", "OMP_", "MKL_"}) {
      const auto equals = variable.find('=');
      if (equals == std::string::npos || variable.rfind(beginning, 0) != 0) continue;
      found[variable.substr(0, equals)] = variable.substr(equals + 1);
    }
  }
  return found;
}

std::uint64_t free_bytes(const std::string& folder) {
  struct statvfs status {};
  if (::statvfs(folder.c_str(), &status) != 0) return 0;
  return static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize;
}

void look_at_cpus(const train::DistributionOptions& options, RankFacts& facts) {
  const auto topology = runtime::read_cpu_topology();
  const auto plan = runtime::plan_cpus(topology, facts.local_rank, facts.local_size,
                                       static_cast<int>(options.threads));
  facts.cores = plan.cores;
  facts.threads = plan.threads;
  facts.threads_by = options.threads > 0 ? "--threads" : plan.reason;
  facts.usable_threads = runtime::count_openmp_threads(plan.threads);
  facts.idle_cores = plan.idle_cores;
  facts.cpus = plan.cpus.empty() ? topology.bound : plan.cpus;
  facts.openblas_kernels = runtime::openblas_core_in_use();
  const char* fitting = runtime::openblas_core_for(runtime::read_cpu_features());
  facts.fitting_kernels = fitting == nullptr ? "" : fitting;
  facts.shared_memory_folder = runtime::shared_memory_folder();
  facts.shared_memory_bytes = free_bytes(facts.shared_memory_folder);
}

void look_at_gpus(const session::Job& job, const train::DistributionOptions& options,
                  RankFacts& facts) {
  const auto system = runtime::query_cuda_system();
  const auto offer = session::device_offer();
  facts.nvidia_gpus = offer.nvidia_gpus;
  facts.ranks_may_share = offer.ranks_may_share;
  facts.visible_devices = static_cast<int>(system.devices.size());
  facts.built_with_cuda = system.in_this_build;
  facts.cuda_trouble = system.trouble;
  facts.cuda_runtime = system.runtime_version;
  facts.cuda_driver = system.driver_version;
  try {
    const auto device = runtime::choose_device(options.device, offer, job.layout);
    if (!device.is_cuda) return;
    facts.device = fmt::format("cuda:{}", device.index);
    if (static_cast<std::size_t>(device.index) >= system.devices.size()) {
      facts.device_trouble = fmt::format("{} cannot be asked: {}", facts.device, system.trouble);
      return;
    }
    const auto& chosen = system.devices[static_cast<std::size_t>(device.index)];
    facts.device_uuid = chosen.uuid;
    facts.peers_reach_all = chosen.peers.size() + 1 == system.devices.size();
  } catch (const Error& error) {
    facts.device_trouble = error.what();
  }
}

void look_at_nccl(RankFacts& facts) {
  const auto nccl = comm::make_nccl_api();
  if (nccl == nullptr) return;
  facts.nccl_compiled = nccl->compiled_version();
  if (nccl->loaded_version(&facts.nccl_loaded) != comm::kNcclSuccess) facts.nccl_loaded = 0;
}

std::string versions() {
  auto text = session::version_text();
  if (!text.empty() && text.back() == '\n') text.pop_back();
  for (auto& character : text) {
    if (character == '\n') character = ' ';
  }
  return text;
}

}  // namespace

RankFacts collect_facts(const session::Job& job, const train::DistributionOptions& options) {
  const auto& layout = job.layout;
  RankFacts facts{.rank = layout.rank,
                  .world_size = layout.world_size,
                  .local_rank = layout.local_rank,
                  .local_size = layout.local_size,
                  .host = layout.host,
                  .process_id = layout.process_id,
                  .launcher_variables = session::launcher_variables(options::process_environment()),
                  .settings = settings(),
                  .versions = versions()};
  look_at_cpus(options, facts);
  look_at_gpus(job, options, facts);
  look_at_nccl(facts);
  return facts;
}

std::vector<RankFacts> gather_facts(session::Job& job, const RankFacts& mine) {
  std::vector<RankFacts> all;
  // Environment variables may hold any bytes.
  for (const auto& text : comm::gather_texts(*job.control, json_line(nlohmann::json(mine)))) {
    all.push_back(nlohmann::json::parse(text).get<RankFacts>());
  }
  return all;
}

nlohmann::ordered_json as_json(const RankFacts& facts) {
  nlohmann::ordered_json json = nlohmann::json(facts);
  return json;
}

}  // namespace lockstep::app

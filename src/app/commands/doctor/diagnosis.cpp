#include "commands/doctor/diagnosis.hpp"

#include <algorithm>
#include <set>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <lockstep/base/error.hpp>
#include <lockstep/comm/nccl_api.hpp>
#include <lockstep/runtime/cpu_binding.hpp>
#include <lockstep/runtime/device.hpp>

#include "commands/doctor/agreement_of_ranks.hpp"

namespace lockstep::app {
namespace {

using Level = Finding::Level;
using Findings = std::vector<Finding>;
using Ranks = std::vector<RankFacts>;

constexpr std::uint64_t kBytesPerMebibyte = 1U << 20U;
constexpr std::uint64_t kEnoughSharedMemory = 256 * kBytesPerMebibyte;
constexpr std::string_view kUsualFolder = "/dev/shm";

std::string plural(std::size_t count, const std::string& name) {
  return fmt::format("{} {}{}", count, name, count == 1 ? "" : "s");
}

/// The first rank of each host.
std::vector<const RankFacts*> first_of_each_host(const Ranks& ranks) {
  std::vector<const RankFacts*> first;
  std::set<std::string> seen;
  for (const auto& rank : ranks) {
    if (seen.insert(rank.host).second) first.push_back(&rank);
  }
  return first;
}

Finding ranks_and_hosts(const Ranks& ranks) {
  std::vector<std::string> hosts;
  for (const auto* host : first_of_each_host(ranks)) {
    hosts.push_back(fmt::format("{} on {}", host->local_size, host->host));
  }
  return {Level::kOk, fmt::format("{}: {}", plural(ranks.size(), "rank"), fmt::join(hosts, ", "))};
}

/// A rank started by a launcher that this MPI does not understand believes that it is alone.
Finding launcher(const Ranks& ranks) {
  const auto other =
      session::other_launcher(ranks.front().launcher_variables, static_cast<int>(ranks.size()));
  if (!other) return {Level::kOk, "the launcher and MPI agree on the number of ranks"};
  return {Level::kError, other->describe(), session::OtherLauncher::kRemedy};
}

Findings gpus(const Ranks& ranks) {
  Findings findings;
  for (const auto* host : first_of_each_host(ranks)) {
    if (host->nvidia_gpus == 0 && host->visible_devices == 0) {
      findings.push_back({Level::kOk, fmt::format("{} has no NVIDIA GPU: its ranks compute on "
                                                  "the CPU",
                                                  host->host)});
    } else if (!host->built_with_cuda) {
      findings.push_back({Level::kWarning,
                          fmt::format("{} has {} that this CPU-only build leaves idle", host->host,
                                      plural(static_cast<std::size_t>(host->nvidia_gpus), "GPU")),
                          "build with launch/quickstart.sh --cuda"});
    } else if (host->visible_devices == 0 || !host->cuda_trouble.empty()) {
      findings.push_back(
          {Level::kError,
           fmt::format("{} has {}, of which CUDA sees {}: {}", host->host,
                       plural(static_cast<std::size_t>(host->nvidia_gpus), "GPU"),
                       host->visible_devices, host->cuda_trouble),
           "look at nvidia-smi and CUDA_VISIBLE_DEVICES there; the driver must be as new as CUDA"});
    } else {
      findings.push_back(
          {Level::kOk,
           fmt::format("{}: {} visible to CUDA", host->host,
                       plural(static_cast<std::size_t>(host->visible_devices), "GPU"))});
    }
  }
  return findings;
}

Findings devices_of_ranks(const Ranks& ranks) {
  Findings findings;
  runtime::RankLayout layout;
  std::vector<std::string> uuids;
  for (const auto& rank : ranks) {
    layout.hosts.push_back(rank.host);
    layout.process_ids.push_back(rank.process_id);
    uuids.push_back(rank.device_uuid);
    if (!rank.device_trouble.empty()) {
      findings.push_back({Level::kError, fmt::format("rank {}: {}", rank.rank, rank.device_trouble),
                          "start fewer ranks per host, or use --device cpu"});
    }
    if (!rank.peers_reach_all) {
      findings.push_back({Level::kWarning,
                          fmt::format("rank {}: its GPU cannot reach all others of {} directly",
                                      rank.rank, rank.host),
                          "all-reduces go through host memory: see `nvidia-smi topo -m`"});
    }
  }
  try {
    runtime::check_devices_differ(uuids, layout, false);
  } catch (const UsageError& error) {
    findings.push_back({ranks.front().ranks_may_share ? Level::kWarning : Level::kError,
                        "two ranks share a GPU", error.what()});
  }
  return findings;
}

Findings nccl(const Ranks& ranks) {
  const auto& rank = ranks.front();
  if (!rank.built_with_cuda) return {};
  const auto compiled = comm::nccl_version_text(rank.nccl_compiled);
  const auto loaded = comm::nccl_version_text(rank.nccl_loaded);
  if (rank.nccl_loaded == 0) {
    return {{Level::kError, "NCCL cannot be asked for its version",
             "reinstall the one that LibTorch needs"}};
  }
  if (rank.nccl_loaded < rank.nccl_compiled) {
    return {{Level::kError,
             fmt::format("NCCL {} is loaded, older than the {} compiled with", loaded, compiled),
             "take the other NCCL out of LD_LIBRARY_PATH"}};
  }
  for (const auto& other : ranks) {
    if (other.nccl_loaded != rank.nccl_loaded) {
      return {{Level::kError,
               fmt::format("rank 0 has NCCL {} loaded, rank {} ({}) {}", loaded, other.rank,
                           other.host, comm::nccl_version_text(other.nccl_loaded)),
               "use the same NCCL on all hosts"}};
    }
  }
  return {{Level::kOk, fmt::format("NCCL {} loaded, compiled with {}", loaded, compiled)}};
}

Findings cores(const Ranks& ranks) {
  Findings findings;
  for (const auto& rank : ranks) {
    if (rank.threads > rank.cores) {
      findings.push_back({Level::kWarning,
                          fmt::format("rank {} ({}) computes with {} on {}", rank.rank, rank.host,
                                      plural(static_cast<std::size_t>(rank.threads), "thread"),
                                      plural(static_cast<std::size_t>(rank.cores), "core")),
                          "leave --threads and OMP_NUM_THREADS out, or bind the ranks to more "
                          "cores"});
    }
    if (rank.usable_threads < rank.threads) {
      findings.push_back({Level::kWarning,
                          fmt::format("rank {} ({}): OpenMP gives {} of {} threads", rank.rank,
                                      rank.host, rank.usable_threads, rank.threads),
                          "unset OMP_THREAD_LIMIT and OMP_MAX_ACTIVE_LEVELS"});
    }
    if (rank.idle_cores > 0) {
      findings.push_back(
          {Level::kWarning,
           fmt::format("rank {} ({}): OMP_PROC_BIND keeps its threads from {} of its share",
                       rank.rank, rank.host,
                       plural(static_cast<std::size_t>(rank.idle_cores), "core")),
           std::string(runtime::kOpenMpBindingRemedy)});
    }
  }
  for (const auto* host : first_of_each_host(ranks)) {
    std::set<int> usable;
    for (const auto& rank : ranks) {
      if (rank.host == host->host) usable.insert(rank.cpus.begin(), rank.cpus.end());
    }
    const auto local = static_cast<std::size_t>(host->local_size);
    if (local > usable.size()) {
      findings.push_back({Level::kWarning,
                          fmt::format("{} has {} for {}", host->host, plural(usable.size(), "core"),
                                      plural(local, "rank")),
                          "ranks that share a core wait for each other: start fewer"});
    }
  }
  if (findings.empty()) {
    findings.push_back({Level::kOk, "every rank has a core for each of its threads"});
  }
  for (const auto* host : first_of_each_host(ranks)) {
    if (host->threads_by.empty()) continue;
    findings.push_back(
        {Level::kOk,
         fmt::format("{}: rank {} computes with {}, by {}", host->host, host->rank,
                     plural(static_cast<std::size_t>(host->threads), "thread"), host->threads_by)});
  }
  return findings;
}

Findings blas(const Ranks& ranks) {
  Findings findings;
  for (const auto* host : first_of_each_host(ranks)) {
    const auto& in_use = host->openblas_kernels;
    if (in_use.empty()) {
      findings.push_back({Level::kOk, fmt::format("{}: LibTorch brings its own BLAS", host->host)});
    } else if (host->fitting_kernels.empty() || host->fitting_kernels == in_use) {
      findings.push_back(
          {Level::kOk, fmt::format("{}: OpenBLAS with its {} kernels", host->host, in_use)});
    } else {
      findings.push_back({Level::kWarning,
                          fmt::format("{}: OpenBLAS runs its {} kernels, on this CPU slower than "
                                      "its {} kernels",
                                      host->host, in_use, host->fitting_kernels),
                          "unset OPENBLAS_CORETYPE, and start bin/lockstep, which sets it"});
    }
  }
  return findings;
}

Findings shared_memory(const Ranks& ranks) {
  Findings findings;
  for (const auto* host : first_of_each_host(ranks)) {
    const auto mebibytes = host->shared_memory_bytes / kBytesPerMebibyte;
    const auto& folder = host->shared_memory_folder;
    const bool enough = host->shared_memory_bytes >= kEnoughSharedMemory;
    const auto remedy = fmt::format(
        "the data set and gradients lie in memory shared by files there: {}",
        folder == kUsualFolder ? "give a container --shm-size=1g"
                               : "make room, or let "
                                 "OMPI_MCA_osc_sm_backing_directory name another folder");
    findings.push_back({enough ? Level::kOk : Level::kWarning,
                        fmt::format("{}: {} MiB free in {}", host->host, mebibytes, folder),
                        enough ? std::string() : remedy});
  }
  return findings;
}

}  // namespace

std::string level_name(Finding::Level level) {
  switch (level) {
    case Level::kOk:
      return "ok";
    case Level::kWarning:
      return "warning";
    case Level::kError:
      break;
  }
  return "error";
}

std::vector<Finding> diagnose(const std::vector<RankFacts>& ranks) {
  Findings all = {ranks_and_hosts(ranks), launcher(ranks)};
  for (const auto& part : {agreement(ranks), cores(ranks), blas(ranks), shared_memory(ranks),
                           gpus(ranks), devices_of_ranks(ranks), nccl(ranks)}) {
    all.insert(all.end(), part.begin(), part.end());
  }
  return all;
}

}  // namespace lockstep::app

#include <sched.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/runtime/cpu_binding.hpp>
#include <lockstep/runtime/cpu_quota.hpp>
#include <lockstep/runtime/mpi_setting.hpp>
#include <lockstep/runtime/openmp.hpp>

#include "mpi_launcher.hpp"

namespace lockstep::runtime {
namespace {

constexpr pid_t kThisThread = 0;

std::vector<int> affinity_of(pid_t process) {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cpus;
  if (::sched_getaffinity(process, sizeof set, &set) != 0) return cpus;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
  }
  return cpus;
}

bool set_affinity(const std::vector<int>& cpus) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int cpu : cpus) CPU_SET(cpu, &set);
  return ::sched_setaffinity(0, sizeof set, &set) == 0;
}

/// The kernel reduces a request for all CPUs to those of the cgroup: what remains is available.
std::vector<int> widest_affinity(const std::vector<int>& bound) {
  cpu_set_t everything;
  CPU_ZERO(&everything);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) CPU_SET(cpu, &everything);
  if (::sched_setaffinity(0, sizeof everything, &everything) != 0) return bound;
  auto widest = affinity_of(kThisThread);
  set_affinity(bound);
  return widest;
}

/// True for the first hardware thread of a core (or if the system does not say).
bool is_first_thread_of_core(int cpu, const std::vector<int>& allowed) {
  std::ifstream file(
      fmt::format("/sys/devices/system/cpu/cpu{}/topology/thread_siblings_list", cpu));
  int sibling = cpu;
  if (!(file >> sibling)) return true;
  return sibling == cpu || std::find(allowed.begin(), allowed.end(), sibling) == allowed.end();
}

std::vector<int> one_a_core(const std::vector<int>& cpus) {
  std::vector<int> cores;
  std::copy_if(cpus.begin(), cpus.end(), std::back_inserter(cores),
               [&](int cpu) { return is_first_thread_of_core(cpu, cpus); });
  return cores;
}

// Set by mpirun when the user says how to bind or place ranks.
constexpr std::array kBindingChoices = {"OMPI_MCA_hwloc_base_binding_policy",
                                        "OMPI_MCA_rmaps_base_mapping_policy",
                                        "OMPI_MCA_orte_rankfile", "OMPI_MCA_hwloc_base_cpu_set"};
// The same, set in a file of Open MPI (mca-params.conf).
constexpr std::array kBindingSettings = {"hwloc_base_binding_policy", "rmaps_base_mapping_policy",
                                         "hwloc_base_cpu_list"};

bool is_set(const char* name) {
  // Read before any thread exists, as all environment variables here are.
  return std::getenv(name) != nullptr;  // NOLINT(concurrency-mt-unsafe)
}

bool is_bound_by_default() {
  return is_set("OMPI_MCA_orte_bound_at_launch") &&
         std::none_of(kBindingChoices.begin(), kBindingChoices.end(), is_set) &&
         std::all_of(kBindingSettings.begin(), kBindingSettings.end(),
                     [](const char* name) { return mpi_setting(name).empty(); });
}

std::vector<int> in_both(const std::vector<int>& a, const std::vector<int>& b) {
  std::vector<int> both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  return both;
}

/// What mpirun itself may use (taskset), if it is an ancestor of this process; otherwise all of
/// `widest`.
std::vector<int> usable_by_launcher(const std::vector<int>& widest) {
  const auto launcher = find_mpi_launcher();
  if (!launcher) return widest;
  auto usable = in_both(widest, affinity_of(*launcher));
  return usable.empty() ? widest : usable;
}

std::string decided_by(const CpuTopology& topology, bool widened, bool alone) {
  if (widened) return "this rank's share of the node's cores";
  if (topology.bound_by_openmp) return "the cores to which OMP_PROC_BIND binds the threads";
  if (topology.bound.size() < topology.available.size()) return "the cores it is bound to";
  return alone ? "the node's cores" : "this rank's share of the node's cores";
}

}  // namespace

CpuPlan plan_cpus(const CpuTopology& topology, int local_rank, int local_size, int threads) {
  CpuPlan plan;
  const auto cores = static_cast<int>(topology.available.size());
  int usable = static_cast<int>(topology.bound.size());
  const bool widened = topology.bound_by_default && !topology.bound_by_openmp &&
                       cores >= local_size && usable < cores;
  if (widened) {
    // Consecutive shares; the first (cores mod local_size) ranks take one core more.
    const int begin = local_rank * cores / local_size;
    const int end = (local_rank + 1) * cores / local_size;
    plan.cpus.assign(topology.available.begin() + begin, topology.available.begin() + end);
    usable = end - begin;
  } else if (usable >= cores) {
    usable = cores / local_size;  // nobody is bound: the ranks share all cores
  }
  plan.cores = std::max(1, usable);
  if (topology.bound_by_openmp) plan.idle_cores = std::max(0, cores / local_size - plan.cores);
  plan.reason = decided_by(topology, widened, local_size == 1);
  const int granted = std::max(1, static_cast<int>(topology.quota) / local_size);
  if (topology.quota > 0 && granted < plan.cores) {
    plan.cores = granted;
    plan.reason =
        fmt::format("a CPU quota of {:g} for all ranks in this container", topology.quota);
  }
  plan.threads = plan.cores;
  if (topology.openmp_threads > 0) {
    plan.threads = topology.openmp_threads;
    plan.reason = "OMP_NUM_THREADS";
  }
  if (threads > 0) {
    plan.threads = threads;
    plan.reason = "a number that was given";
  }
  return plan;
}

CpuTopology read_cpu_topology() {
  CpuTopology topology;
  const auto affinity = affinity_of(kThisThread);
  const auto by_openmp = openmp_bound_cpus();
  topology.bound_by_openmp = !by_openmp.empty();
  topology.bound = one_a_core(topology.bound_by_openmp ? by_openmp : affinity);
  topology.available = one_a_core(usable_by_launcher(widest_affinity(affinity)));
  topology.bound_by_default = is_bound_by_default();
  topology.quota = read_cpu_quota();
  topology.openmp_threads = openmp_threads_wanted();
  return topology;
}

void bind_to_cpus(const std::vector<int>& cpus) {
  if (cpus.empty()) return;
  if (!set_affinity(cpus)) {
    throw RuntimeFailure(
        fmt::format("cannot bind to {} cores: {}", cpus.size(), system_error_text(errno)));
  }
}

}  // namespace lockstep::runtime

#include <sched.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <fstream>

#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/runtime/cpu_binding.hpp>

namespace lockstep::runtime {
namespace {

std::vector<int> current_affinity() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cpus;
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return cpus;
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

/// The kernel cuts a wish for all CPUs down to the cgroup's: what remains is what is available.
std::vector<int> widest_affinity(const std::vector<int>& bound) {
  cpu_set_t everything;
  CPU_ZERO(&everything);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) CPU_SET(cpu, &everything);
  if (::sched_setaffinity(0, sizeof everything, &everything) != 0) return bound;
  auto widest = current_affinity();
  set_affinity(bound);
  return widest;
}

/// True for the first hardware thread of a core (or where the system does not say).
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

bool is_set(const char* name) {
  // Read before any thread exists, as all environment variables here are.
  return std::getenv(name) != nullptr;  // NOLINT(concurrency-mt-unsafe)
}

}  // namespace

CpuPlan plan_cpus(const CpuTopology& topology, int local_rank, int local_size, int threads) {
  CpuPlan plan;
  const auto cores = static_cast<int>(topology.available.size());
  int usable = static_cast<int>(topology.bound.size());
  if (topology.bound_by_default && cores >= local_size && usable < cores) {
    // Consecutive shares; the first (cores mod local_size) ranks take one core more.
    const int begin = local_rank * cores / local_size;
    const int end = (local_rank + 1) * cores / local_size;
    plan.cpus.assign(topology.available.begin() + begin, topology.available.begin() + end);
    usable = end - begin;
  } else if (usable >= cores) {
    usable = cores / local_size;  // nobody is bound: the ranks share all cores
  }
  plan.cores = std::max(1, usable);
  plan.threads = threads > 0 ? threads : plan.cores;
  return plan;
}

CpuTopology read_cpu_topology() {
  CpuTopology topology;
  const auto affinity = current_affinity();
  topology.bound = one_a_core(affinity);
  topology.available = one_a_core(widest_affinity(affinity));
  topology.bound_by_default = is_set("OMPI_MCA_orte_bound_at_launch") &&
                              std::none_of(kBindingChoices.begin(), kBindingChoices.end(), is_set);
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

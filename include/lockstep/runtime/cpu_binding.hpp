// Which cores a rank computes on, and with how many threads.
#pragma once

#include <vector>

namespace lockstep::runtime {

/// The cores of this process and of its node, as the operating system numbers them (ascending).
struct CpuTopology {
  std::vector<int> bound;         ///< CPUs this process may run on now, one a physical core
  std::vector<int> available;     ///< CPUs it could run on (the cgroup's), one a physical core
  bool bound_by_default = false;  ///< Open MPI's own default binding, not the user's wish
};

/// What a rank should do with its cores.
struct CpuPlan {
  std::vector<int> cpus;  ///< CPUs to bind to; empty: leave the binding as it is
  int cores = 1;          ///< the rank's share of the node's cores, at least 1
  int threads = 1;        ///< compute threads, at least 1
};

/// Pure decision. Open MPI's default binding (one core a rank for np ≤ 2) is widened to the rank's
/// share of the node's cores, so that no core idles; a binding chosen by the user or by Slurm is
/// kept. Ranks that nobody bound share all cores. `threads` > 0 fixes the number of threads.
[[nodiscard]] CpuPlan plan_cpus(const CpuTopology& topology, int local_rank, int local_size,
                                int threads);

/// Reads the affinity mask, /sys/devices/system/cpu and Open MPI's variables.
[[nodiscard]] CpuTopology read_cpu_topology();

/// Binds the calling thread, and threads that it starts later, to `cpus` (nothing if empty).
void bind_to_cpus(const std::vector<int>& cpus);

}  // namespace lockstep::runtime

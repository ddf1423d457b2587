// Which cores a rank computes on, and with how many threads.
#pragma once

#include <string>
#include <vector>

namespace lockstep::runtime {

/// The cores of this process and of its node, as the operating system numbers them (ascending).
struct CpuTopology {
  std::vector<int> bound;         ///< CPUs this process may run on now, one per physical core
  std::vector<int> available;     ///< CPUs it could run on (the launcher's), one per physical core
  bool bound_by_default = false;  ///< Open MPI's own default binding, not the user's choice
  bool bound_by_openmp = false;   ///< OMP_PROC_BIND keeps the threads on `bound`
  double quota = 0;               ///< of the cgroup, shared by all its ranks, in CPUs; 0: none
  int openmp_threads = 0;         ///< OMP_NUM_THREADS; 0: not set
};

/// What a rank should do with its cores.
struct CpuPlan {
  std::vector<int> cpus;  ///< CPUs to bind to; empty: leave the binding as it is
  int cores = 1;          ///< the rank's share of the node's cores, at least 1
  int threads = 1;        ///< compute threads, at least 1
  int idle_cores = 0;     ///< of the rank's share, unusable because OMP_PROC_BIND binds the threads
  std::string reason;     ///< what determined the number of threads, for people
};

/// What to do about `CpuPlan::idle_cores`.
constexpr const char* kOpenMpBindingRemedy =
    "unset OMP_PROC_BIND, or start the ranks with mpirun --bind-to none";

/// Pure decision. Open MPI's default binding (one core per rank for np ≤ 2) is widened to the
/// rank's share of the cores that mpirun itself may use, so that no core idles; a binding chosen by
/// the user or by Slurm is kept. Unbound ranks share all cores, and all ranks of a node share a CPU
/// quota. `threads` > 0 fixes the number of threads; else OMP_NUM_THREADS does.
[[nodiscard]] CpuPlan plan_cpus(const CpuTopology& topology, int local_rank, int local_size,
                                int threads);

/// Reads the affinity masks of this process and of its launcher, /sys/devices/system/cpu, the
/// cgroup's quota, and the settings of Open MPI and OpenMP. Under mpirun, call it after MPI_Init.
[[nodiscard]] CpuTopology read_cpu_topology();

/// Binds the calling thread, and threads that it starts later, to `cpus`; does nothing if empty.
void bind_to_cpus(const std::vector<int>& cpus);

}  // namespace lockstep::runtime

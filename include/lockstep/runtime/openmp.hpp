// What OpenMP, on which LibTorch and OpenBLAS compute, does with this process's threads.
//
// All functions ask the OpenMP library that the process has loaded. Where it has none, there is
// nothing to know.
#pragma once

#include <vector>

namespace lockstep::runtime {

/// The number of threads that OMP_NUM_THREADS asks for; 0: it is not set.
[[nodiscard]] int openmp_threads_wanted();

/// The CPUs to which OpenMP binds its threads (OMP_PROC_BIND, OMP_PLACES), ascending; empty: it
/// binds none. They were chosen when the library was loaded, and cannot change.
[[nodiscard]] std::vector<int> openmp_bound_cpus();

/// How many threads, up to `wanted`, work on a parallel region that the calling thread starts:
/// OMP_THREAD_LIMIT and OMP_MAX_ACTIVE_LEVELS may allow fewer. OpenBLAS waits for ever for threads
/// that it asked for and did not get. Regions get this number from now on, whatever the load
/// (OMP_DYNAMIC is off). Throws RuntimeFailure if the system refuses to start so many threads.
/// Source: "The libgomp ABI" in GCC's documentation of GNU OpenMP.
[[nodiscard]] int count_openmp_threads(int wanted);

}  // namespace lockstep::runtime

// How OpenMP, which LibTorch and OpenBLAS use to compute, handles this process's threads.
//
// All functions ask the OpenMP library that the process has loaded. Without one, they have nothing
// to report.
#pragma once

#include <vector>

namespace lockstep::runtime {

/// The number of threads that OMP_NUM_THREADS asks for; 0 if it is not set.
[[nodiscard]] int openmp_threads_wanted();

/// The CPUs to which OpenMP binds its threads (OMP_PROC_BIND, OMP_PLACES), ascending; empty if it
/// binds none. They were chosen when the library was loaded and cannot change.
[[nodiscard]] std::vector<int> openmp_bound_cpus();

/// How many threads, up to `wanted`, work on a parallel region that the calling thread starts:
/// OMP_THREAD_LIMIT and OMP_MAX_ACTIVE_LEVELS may allow fewer. OpenBLAS waits forever for threads
/// that it asked for and did not get. From now on, regions get this number whatever the load
/// (OMP_DYNAMIC is off). Throws RuntimeFailure if the system refuses to start so many threads.
/// Source: "The libgomp ABI" in GCC's documentation of GNU OpenMP.
[[nodiscard]] int count_openmp_threads(int wanted);

}  // namespace lockstep::runtime

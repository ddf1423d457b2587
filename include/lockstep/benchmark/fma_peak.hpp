// What a core can compute at best.
#pragma once

namespace lockstep::benchmark {

/// float32 operations per second, in 10^9, that this thread reaches in fused multiply-adds on
/// registers alone, with the widest vectors that the processor has: the best of several runs of
/// some milliseconds each.
[[nodiscard]] double measure_fma_peak_gflop_per_s();

}  // namespace lockstep::benchmark

// The peak compute rate of a core.
#pragma once

namespace lockstep::benchmark {

/// float32 operations per second, in 10^9, that this thread reaches with fused multiply-adds on
/// registers alone, using the processor's widest vectors: the best of several runs of a few
/// milliseconds each.
[[nodiscard]] double measure_fma_peak_gflop_per_s();

}  // namespace lockstep::benchmark

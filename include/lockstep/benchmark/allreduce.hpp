// How long an all-reduce takes, by size, in the manner of nccl-tests.
#pragma once

#include <cstdint>
#include <functional>

#include <torch/torch.h>

#include <lockstep/comm/communicator.hpp>
#include <lockstep/runtime/compute_stream.hpp>

namespace lockstep::benchmark {

struct AllReduceOptions {
  std::int64_t min_bytes = 1024;
  std::int64_t max_bytes = std::int64_t{16} << 20U;
  std::int64_t factor = 4;  ///< from one size to the next
  std::int64_t iterations = 100;
  std::int64_t warmup = 10;  ///< iterations that are not counted
  bool check = true;         ///< compare every sum with the correct one
};

/// Where the vectors lie, and the stream that computes there.
struct Place {
  runtime::ComputeStream& compute;
  torch::Device device = torch::kCPU;
};

/// One size: float32, sum, out of place. Times are means over ranks.
struct AllReduceResult {
  std::int64_t bytes = 0;  ///< of each rank's vector
  std::int64_t count = 0;  ///< elements
  double time_us = 0;      ///< mean over iterations; on a GPU, of 10 started one after another
  double time_us_p50 = 0;
  double algbw_gb_per_s = 0;  ///< bytes / time
  double busbw_gb_per_s = 0;  ///< algbw · 2(n − 1)/n: comparable across numbers of ranks
  std::int64_t wrong = 0;     ///< elements over all ranks; 0 if not checked
};

/// Measures min_bytes, min_bytes · factor, … up to max_bytes (rounded down to whole elements) and
/// calls `on_result`, on every rank, after each size. Collective over both communicators, which
/// have the same ranks; `control` carries everything that is not measured.
/// Source: NVIDIA nccl-tests, doc/PERFORMANCE.md.
void measure_allreduce(comm::Communicator& communicator, comm::Communicator& control,
                       const Place& place, const AllReduceOptions& options,
                       const std::function<void(const AllReduceResult&)>& on_result);

}  // namespace lockstep::benchmark

// Makes communicators; the only place that knows all backends.
#pragma once

#include <chrono>
#include <memory>

#include <lockstep/comm/communicator.hpp>
#include <lockstep/runtime/cuda_stream.hpp>
#include <lockstep/runtime/rank_layout.hpp>

namespace lockstep::comm {

enum class Backend { kAuto, kNccl, kMpi };

struct CommunicatorOptions {
  Backend backend = Backend::kAuto;
  /// Operations overlap with computation: on CPUs in a thread of their own, which is worth it only
  /// where a core is to spare for that; NCCL's in a stream of their own.
  bool progress_thread = false;
  /// Ranks of a node all-reduce through memory that they share; MPI only between nodes.
  bool node_shared = true;
  /// Floats are always added in the order of one binary tree over ranks, which pairs them by the
  /// highest bit of their number first, so that sums over 1, 2, 4 … ranks can be parts of one tree.
  /// The number of ranks must be a power of two.
  bool fixed_order = false;
  /// How long a rank waits in shared memory for the others of its node. A second line behind a
  /// Watchdog, which says more: some seconds more than its deadline.
  std::chrono::duration<double> timeout = std::chrono::seconds(60);
  /// The computation's stream if it runs on a GPU; must outlive the communicator.
  runtime::CudaStream* gpu = nullptr;
};

/// The backend that kAuto stands for, or the one asked for. Throws UsageError for one that is not
/// in this build, or cannot work where the computation runs. Does not communicate.
[[nodiscard]] Backend choose_backend(Backend asked, bool on_gpu);

/// A communicator over all ranks of `layout`; collective. On the CPU, one rank needs none of MPI's
/// machinery and gets a communicator that does nothing. Throws as choose_backend does.
[[nodiscard]] std::unique_ptr<Communicator> make_communicator(const CommunicatorOptions& options,
                                                              const runtime::RankLayout& layout);

}  // namespace lockstep::comm

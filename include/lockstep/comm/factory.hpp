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
  /// Operations overlap with computation. On CPUs this takes a thread of its own, which pays off
  /// only if a core is free for it; NCCL uses a stream of its own.
  bool progress_thread = false;
  /// Ranks of a node all-reduce through shared memory, and MPI is used only between nodes.
  bool node_shared = true;
  /// Floats are always added in the order of one binary tree over ranks. It first pairs ranks by
  /// the highest bit of their number, so that sums over 1, 2, 4 … ranks can be parts of one tree.
  /// The number of ranks must be a power of two.
  bool fixed_order = false;
  /// How long a rank waits in shared memory for the others of its node. This is a second line
  /// behind a Watchdog, which reports more, so it should exceed its deadline by some seconds.
  std::chrono::duration<double> timeout = std::chrono::seconds(60);
  /// The computation's stream if that runs on a GPU; must outlive the communicator.
  runtime::CudaStream* gpu = nullptr;
};

/// The backend asked for, or the one that kAuto stands for. Throws UsageError if it is not in this
/// build or cannot work where the computation runs. Does not communicate.
[[nodiscard]] Backend choose_backend(Backend asked, bool on_gpu);

/// Makes a communicator over all ranks of `layout`; collective. On the CPU, a single rank needs no
/// MPI and gets a communicator that does nothing. Throws as choose_backend does.
[[nodiscard]] std::unique_ptr<Communicator> make_communicator(const CommunicatorOptions& options,
                                                              const runtime::RankLayout& layout);

}  // namespace lockstep::comm

// Makes communicators; the only place that knows all backends.
#pragma once

#include <chrono>
#include <memory>

#include <lockstep/comm/communicator.hpp>
#include <lockstep/runtime/rank_layout.hpp>

namespace lockstep::comm {

enum class Backend { kAuto, kNccl, kMpi };

struct CommunicatorOptions {
  Backend backend = Backend::kAuto;
  /// Run operations in a thread of their own, so that they overlap with computation. Worth it only
  /// where a core is to spare for that thread.
  bool progress_thread = false;
  /// Ranks of a node all-reduce through memory that they share; MPI only between nodes.
  bool node_shared = true;
  /// How long a rank waits in shared memory for the others of its node.
  std::chrono::duration<double> timeout = std::chrono::seconds(60);
};

/// Throws UsageError for a backend that is not in this build. Does not communicate.
void check_backend(Backend backend);

/// A communicator over all ranks of `layout`; collective. One rank needs none of MPI's machinery
/// and gets a communicator that does nothing. Throws as check_backend does.
[[nodiscard]] std::unique_ptr<Communicator> make_communicator(const CommunicatorOptions& options,
                                                              const runtime::RankLayout& layout);

}  // namespace lockstep::comm

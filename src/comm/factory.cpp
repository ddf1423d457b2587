#include <lockstep/comm/factory.hpp>
#include <lockstep/comm/nccl_communicator.hpp>

#include "mpi_communicator.hpp"
#include "node_shared_communicator.hpp"
#include "single_process_communicator.hpp"

namespace lockstep::comm {

Backend choose_backend(Backend asked, bool on_gpu) {
  if (asked == Backend::kNccl && make_nccl_api() == nullptr) {
    throw UsageError(
        "gradients are to be summed by NCCL, and this build of Lockstep has no NCCL: build it with "
        "launch/quickstart.sh --cuda, or sum them by MPI",
        {"backend"});
  }
  if (asked == Backend::kNccl && !on_gpu) {
    throw UsageError(
        "gradients are to be summed by NCCL, which sums on GPUs, and this run computes on the CPU: "
        "sum them by MPI",
        {"backend"});
  }
  if (asked == Backend::kMpi && on_gpu) {
    throw UsageError(
        "gradients are to be summed by MPI, which sums in host memory, and this run computes on "
        "GPUs: sum them by NCCL, or compute on the CPU",
        {"backend", "device"});
  }
  return on_gpu ? Backend::kNccl : Backend::kMpi;
}

std::unique_ptr<Communicator> make_communicator(const CommunicatorOptions& options,
                                                const runtime::RankLayout& layout) {
  if (choose_backend(options.backend, options.gpu != nullptr) == Backend::kNccl) {
    return std::make_unique<NcclCommunicator>(
        make_nccl_api(), *options.gpu, layout,
        NcclCommunicator::Mode{.overlaps = options.progress_thread,
                               .fixed_order = options.fixed_order});
  }
  if (layout.world_size == 1) return std::make_unique<SingleProcessCommunicator>();
  const bool one_node = layout.world_size == layout.local_size;
  // Shared memory adds in that order within a node; between nodes, MPI chooses the order.
  if (options.node_shared && (one_node || !options.fixed_order)) {
    return std::make_unique<NodeSharedCommunicator>(options, layout);
  }
  return std::make_unique<MpiCommunicator>(options.progress_thread, options.fixed_order);
}

}  // namespace lockstep::comm

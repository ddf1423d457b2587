#include <lockstep/comm/factory.hpp>

#include "mpi_communicator.hpp"
#include "node_shared_communicator.hpp"
#include "single_process_communicator.hpp"

namespace lockstep::comm {

void check_backend(Backend backend) {
  if (backend == Backend::kNccl) {
    throw UsageError("--backend nccl is not in this version of Lockstep yet; use --backend mpi");
  }
}

std::unique_ptr<Communicator> make_communicator(const CommunicatorOptions& options,
                                                const runtime::RankLayout& layout) {
  check_backend(options.backend);
  if (layout.world_size == 1) return std::make_unique<SingleProcessCommunicator>();
  if (options.node_shared) return std::make_unique<NodeSharedCommunicator>(options, layout);
  return std::make_unique<MpiCommunicator>(options.progress_thread);
}

}  // namespace lockstep::comm

#include "simulated_training.hpp"

#include <mpi.h>

#include "small_training.hpp"

namespace lockstep::simulator {

std::string train_digest(comm::Communicator& control, comm::Communicator& gradients,
                         runtime::ComputeStream& compute) {
  tests::NoEvents events;
  return tests::train_small(tests::small_run(), control, gradients, compute, torch::kCPU, events)
      .digest;
}

std::string train_digest_of_shards(comm::Communicator& control, comm::Communicator& gradients,
                                   runtime::ComputeStream& compute) {
  auto options = tests::small_run();
  options.distribution.virtual_shards = 4;
  tests::NoEvents events;
  return tests::train_small(options, control, gradients, compute, torch::kCPU, events).digest;
}

Outcome simulate(const Simulation& simulation, const Work& work) {
  const auto layout = runtime::discover_rank_layout();
  const auto cuda = std::make_shared<SimulatedCuda>(
      simulation.seed * static_cast<std::uint64_t>(layout.world_size) +
          static_cast<std::uint64_t>(layout.rank),
      simulation.patience);
  const auto nccl = std::make_shared<SimulatedNccl>(cuda);
  Outcome outcome;
  try {
    const auto control = comm::make_communicator({.node_shared = false}, layout);
    runtime::CudaStream compute(std::make_shared<InterceptedCuda>(cuda, simulation.cuda), 0,
                                simulation.timeout);
    comm::NcclCommunicator gradients(std::make_shared<InterceptedNccl>(nccl, simulation.nccl),
                                     compute, layout,
                                     {.overlaps = true, .fixed_order = simulation.fixed_order});
    outcome.digest = work(*control, gradients, compute);
    gradients.close();
  } catch (const Error& error) {
    outcome.digest.clear();
    outcome.failure = error.what();
  }
  outcome.findings = cuda->findings();
  outcome.left_over = cuda->live_objects() + nccl->live_communicators();
  nccl->end();
  return outcome;
}

bool on_any_rank(bool mine) {
  int value = mine ? 1 : 0;
  MPI_Allreduce(MPI_IN_PLACE, &value, 1, MPI_INT, MPI_LOR, MPI_COMM_WORLD);
  return value != 0;
}

}  // namespace lockstep::simulator

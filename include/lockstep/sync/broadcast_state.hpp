// Making replicas equal.
#pragma once

#include <torch/torch.h>

#include <lockstep/comm/communicator.hpp>

namespace lockstep::sync {

/// Collective. Sets every rank's parameters and buffers to rank 0's, bit for bit. They must be on
/// the CPU, contiguous, and of the same shapes and types on all ranks.
void broadcast_state(torch::nn::Module& module, comm::Communicator& communicator);

}  // namespace lockstep::sync

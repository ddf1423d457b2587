// Making replicas equal.
#pragma once

#include <torch/torch.h>

#include <lockstep/comm/communicator.hpp>

namespace lockstep::sync {

/// Collective. Every rank's parameters become rank 0's, bit for bit. They must be float32 on the
/// CPU, contiguous, and of the same shapes on all ranks.
void broadcast_parameters(torch::nn::Module& module, comm::Communicator& communicator);

}  // namespace lockstep::sync

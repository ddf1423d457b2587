// Training with the NCCL communicator over the simulated device.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <lockstep/comm/factory.hpp>
#include <lockstep/comm/nccl_communicator.hpp>
#include <lockstep/train/trainer.hpp>

#include "intercepted.hpp"
#include "simulated_cuda.hpp"
#include "simulated_nccl.hpp"

namespace lockstep::simulator {

/// How one rank's part of a run ended.
struct Outcome {
  std::string digest;                 ///< of the weights; empty after a failure
  std::string failure;                ///< its message, if it failed
  std::vector<std::string> findings;  ///< races and misuse
  std::size_t left_over = 0;          ///< streams, events, memory, communicators not given back
};

struct Simulation {
  std::uint64_t seed = 0;
  bool fixed_order = false;  ///< of the sums over ranks
  Intercept cuda = [](auto...) { return std::nullopt; };
  Intercept nccl = [](auto...) { return std::nullopt; };
  std::chrono::duration<double> timeout = std::chrono::seconds(10);
  /// How long a computation waits for a stream that does not get on.
  std::chrono::duration<double> patience = std::chrono::seconds(10);
};

/// A small network, a few steps of several buckets each, and a test loop; collective. Returns the
/// digest of the weights.
std::string train_digest(comm::Communicator& control, comm::Communicator& gradients,
                         runtime::ComputeStream& compute);
/// The same with virtual shards.
std::string train_digest_of_shards(comm::Communicator& control, comm::Communicator& gradients,
                                   runtime::ComputeStream& compute);

/// What a rank does with the communicator and its stream.
using Work = std::function<std::string(comm::Communicator& control, comm::Communicator& gradients,
                                       runtime::ComputeStream& compute)>;

/// Collective. Runs `work`, closes the communicator, and looks at what is left. Failures end up in
/// the outcome; all ranks have come when it returns.
Outcome simulate(const Simulation& simulation, const Work& work = train_digest);

/// True if any rank's `mine` is; collective.
bool on_any_rank(bool mine);

}  // namespace lockstep::simulator

// The process that started this rank.
#pragma once

#include <optional>
#include <sys/types.h>

namespace lockstep::runtime {

/// The nearest ancestor of this process that is Open MPI's launcher or its daemon on this host;
/// nothing if there is none (srun, no launcher), or if /proc does not say.
[[nodiscard]] std::optional<pid_t> find_mpi_launcher();

}  // namespace lockstep::runtime

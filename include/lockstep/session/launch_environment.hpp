// What the environment says about the launcher that started this process, before or without MPI.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace lockstep::session {

using LauncherVariables = std::map<std::string, std::string>;

/// The variables of `environment` ("NAME=value" entries) that hold ranks or their number.
[[nodiscard]] LauncherVariables launcher_variables(const std::vector<std::string>& environment);

/// A launcher that has started several processes, while MPI sees each of them alone.
struct OtherLauncher {
  std::string variable;  ///< that holds their number
  int started = 0;

  /// "the launcher started 4 ranks, and MPI sees each alone"
  [[nodiscard]] std::string describe() const;
  /// How to start them instead.
  static constexpr const char* kRemedy =
      "start them with the mpirun of the same Open MPI, or with srun --mpi=pmix";
};

/// `world_size`: MPI's. None if mpirun agrees with MPI, whatever a batch system around it says.
[[nodiscard]] std::optional<OtherLauncher> other_launcher(const LauncherVariables& variables,
                                                          int world_size);

/// The place of this process among those that its launcher started.
struct LaunchPlace {
  bool first = true;       ///< rank 0, or alone: it reports for all
  bool by_mpirun = false;  ///< mpirun ends all when one ends with an exit code other than 0
  bool alone = true;
};
[[nodiscard]] LaunchPlace place_of(const LauncherVariables& variables);

}  // namespace lockstep::session

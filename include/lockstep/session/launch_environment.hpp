// What the environment tells of the launcher that started this process, before or without MPI.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace lockstep::session {

using LauncherVariables = std::map<std::string, std::string>;

/// Of `environment` ("NAME=value" entries), the variables that name ranks or their number.
[[nodiscard]] LauncherVariables launcher_variables(const std::vector<std::string>& environment);

/// A launcher that has started several processes, each of which MPI sees alone.
struct OtherLauncher {
  std::string variable;  ///< that tells how many
  int started = 0;

  /// "the launcher started 4 ranks, and MPI sees each alone"
  [[nodiscard]] std::string describe() const;
  /// How to start them instead.
  static constexpr const char* kRemedy =
      "start them with the mpirun of the same Open MPI, or with srun --mpi=pmix";
};

/// `world_size`: MPI's. None where mpirun agrees with MPI, whatever a batch system around it says.
[[nodiscard]] std::optional<OtherLauncher> other_launcher(const LauncherVariables& variables,
                                                          int world_size);

/// This process among those that its launcher started.
struct LaunchPlace {
  bool first = true;       ///< rank 0, or alone: it speaks for all
  bool by_mpirun = false;  ///< which ends all when one ends with an exit code other than 0
  bool alone = true;
};
[[nodiscard]] LaunchPlace place_of(const LauncherVariables& variables);

}  // namespace lockstep::session

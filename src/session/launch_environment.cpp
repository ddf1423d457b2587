#include <array>
#include <cstdlib>

#include <fmt/format.h>

#include <lockstep/session/launch_environment.hpp>

namespace lockstep::session {
namespace {

struct Launcher {
  const char* rank;
  const char* size;
  const char* needs;  ///< a variable that must also exist, if the names are too common
};

// Innermost first: mpirun may run inside a Slurm job, whose variables are then those of its own
// processes and not of the ranks.
constexpr std::array kLaunchers = {
    Launcher{"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", nullptr},
    Launcher{"PMI_RANK", "PMI_SIZE", nullptr},
    Launcher{"MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE", nullptr},
    Launcher{"SLURM_PROCID", "SLURM_STEP_NUM_TASKS", nullptr},
    Launcher{"RANK", "WORLD_SIZE", "TORCHELASTIC_RUN_ID"}};
constexpr std::array kMoreVariables = {"PMIX_RANK", "SLURM_NTASKS", "SLURM_LOCALID",
                                       "TORCHELASTIC_RUN_ID"};

/// 0 if it is not set.
int number(const LauncherVariables& variables, const char* name) {
  const auto found = variables.find(name);
  return found == variables.end()
             ? 0
             : static_cast<int>(std::strtol(found->second.c_str(), nullptr, 10));
}

bool counts(const Launcher& launcher, const LauncherVariables& variables) {
  return (launcher.needs == nullptr || variables.contains(launcher.needs)) &&
         variables.contains(launcher.size);
}

}  // namespace

LauncherVariables launcher_variables(const std::vector<std::string>& environment) {
  LauncherVariables found;
  const auto take = [&found](const std::string& entry, const char* name) {
    const std::string beginning = std::string(name) + "=";
    if (entry.starts_with(beginning)) found[name] = entry.substr(beginning.size());
  };
  for (const auto& entry : environment) {
    for (const auto& launcher : kLaunchers) {
      take(entry, launcher.rank);
      take(entry, launcher.size);
    }
    for (const char* name : kMoreVariables) take(entry, name);
  }
  return found;
}

std::string OtherLauncher::describe() const {
  return fmt::format("the launcher started {} ranks, and MPI sees each alone", started);
}

std::optional<OtherLauncher> other_launcher(const LauncherVariables& variables, int world_size) {
  if (world_size > 1 || number(variables, "OMPI_COMM_WORLD_SIZE") == world_size) {
    return std::nullopt;
  }
  for (const auto& launcher : kLaunchers) {
    const int started = number(variables, launcher.size);
    if (counts(launcher, variables) && started > 1) return OtherLauncher{launcher.size, started};
  }
  return std::nullopt;
}

LaunchPlace place_of(const LauncherVariables& variables) {
  for (const auto& launcher : kLaunchers) {
    if (!counts(launcher, variables) || !variables.contains(launcher.rank)) continue;
    const bool alone = number(variables, launcher.size) <= 1;
    return {.first = alone || number(variables, launcher.rank) == 0,
            .by_mpirun = &launcher == kLaunchers.data(),
            .alone = alone};
  }
  return {};
}

}  // namespace lockstep::session

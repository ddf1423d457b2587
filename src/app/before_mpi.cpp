#include "before_mpi.hpp"

#include <chrono>
#include <csignal>
#include <ctime>
#include <thread>
#include <utility>

#include <lockstep/app/launch_environment.hpp>
#include <lockstep/base/log.hpp>
#include <lockstep/options/option_sources.hpp>

#include "command_list.hpp"

namespace lockstep::app {
namespace {

// Enough for mpirun to end this process, on a busy machine too.
constexpr auto kLetMpirunEndThis = std::chrono::seconds(10);
// Enough for the first one's line to be on its way to srun, and for processes that start later.
constexpr std::time_t kLetOthersSpeakSeconds = 2;

LaunchPlace own_place() {
  return place_of(launcher_variables(options::process_environment()));
}

options::OptionTable table_of(const std::string& command, OptionsOfAllCommands& options) {
  for (auto& description : describe_commands(options)) {
    if (description.name == command) return std::move(description.table);
  }
  return {};
}

}  // namespace

std::vector<std::string> names_of_all_commands() {
  OptionsOfAllCommands options;
  std::vector<std::string> names;
  for (const auto& command : describe_commands(options)) {
    const auto more = option_names(command.table);
    names.insert(names.end(), more.begin(), more.end());
  }
  return names;
}

std::optional<GivenOptions> check_options_before_mpi(const std::string& command,
                                                     const std::vector<std::string>& arguments) {
  const auto place = own_place();
  OptionsOfAllCommands scratch;  // the command's own stay as they are: rank 0's count
  const auto table = table_of(command, scratch);
  if (place.alone || (place.first && place.by_mpirun)) {
    auto given = read_options(table, arguments, names_of_all_commands());
    apply_options(table, given.options);
    return given;
  }
  // srun passes the environment on to all, mpirun does not.
  const auto environment =
      place.by_mpirun ? std::vector<std::string>() : options::process_environment();
  std::vector<std::string> warnings;  // are told once the options count
  apply_options(table, collect_options(table, arguments, environment, names_of_all_commands(),
                                       warnings, nullptr, options::ConfigFile::kLeaveAside));
  return std::nullopt;
}

int end_before_mpi(const UsageError& error) {
  const auto place = own_place();
  if (place.by_mpirun && !place.first) {
    (void)std::signal(SIGTERM, SIG_DFL);
    std::this_thread::sleep_for(kLetMpirunEndThis);
  }
  // srun ends all processes when one ends, and its exit code is the highest of all: the 143 of one
  // that dies of SIGTERM would hide this one.
  const bool by_srun = !place.alone && !place.by_mpirun;
  if (by_srun) (void)std::signal(SIGTERM, [](int) {});
  // Under mpirun, whoever is still there is the only one that made the mistake.
  if (place.first || place.by_mpirun) Log(Log::Level::kWarning).error(one_line(error.what()));
  if (by_srun) {
    const std::timespec most{.tv_sec = kLetOthersSpeakSeconds, .tv_nsec = 0};
    (void)::nanosleep(&most, nullptr);  // until SIGTERM
  }
  return static_cast<int>(error.code());
}

}  // namespace lockstep::app

#include "before_mpi.hpp"

#include <chrono>
#include <csignal>
#include <ctime>
#include <thread>

#include <lockstep/base/log.hpp>
#include <lockstep/options/option_sources.hpp>
#include <lockstep/options/setting_names.hpp>
#include <lockstep/session/launch_environment.hpp>

namespace lockstep::session {
namespace {

// Enough for mpirun to end this process, even on a busy machine.
constexpr auto kLetMpirunEndThis = std::chrono::seconds(10);
// Enough for the first one's line to reach srun, and for processes that start later.
constexpr std::time_t kLetOthersSpeakSeconds = 2;

LaunchPlace own_place() {
  return place_of(launcher_variables(options::process_environment()));
}

}  // namespace

GivenOptions complete_options(const Command& command, const Arguments& arguments) {
  auto given = read_options(command.table, arguments, command.names_elsewhere);
  if (command.complete) command.complete(given);
  return given;
}

std::optional<GivenOptions> check_options_before_mpi(const Command& command,
                                                     const Arguments& arguments) {
  const auto place = own_place();
  // The command's own options stay unchanged: rank 0's count.
  const auto check = [&](const std::vector<options::GivenOption>& given) {
    command.with_scratch_table(
        [&](const options::OptionTable& table) { apply_options(table, given); });
  };
  if (place.alone || (place.first && place.by_mpirun)) {
    auto given = complete_options(command, arguments);
    check(given.options);
    return given;
  }
  // srun passes the environment to all processes, mpirun does not.
  const auto environment =
      place.by_mpirun ? std::vector<std::string>() : options::process_environment();
  std::vector<std::string> warnings;  // reported once the options count
  check(collect_options(command.table, arguments, environment, command.names_elsewhere, warnings,
                        nullptr, options::ConfigFile::kLeaveAside));
  return std::nullopt;
}

int end_before_mpi(const UsageError& error) {
  const auto place = own_place();
  if (place.by_mpirun && !place.first) {
    (void)std::signal(SIGTERM, SIG_DFL);
    std::this_thread::sleep_for(kLetMpirunEndThis);
  }
  // srun ends all processes when one ends, and its exit code is the highest of all: the 143 of a
  // process that dies of SIGTERM would hide this code.
  const bool by_srun = !place.alone && !place.by_mpirun;
  if (by_srun) (void)std::signal(SIGTERM, [](int) {});
  // Under mpirun, a process that is still alive is the only one that made the mistake.
  if (place.first || place.by_mpirun) {
    const auto text = options::with_options(error.what(), error.settings());
    Log(Log::Level::kWarning).error(one_line(text));
  }
  if (by_srun) {
    const std::timespec most{.tv_sec = kLetOthersSpeakSeconds, .tv_nsec = 0};
    (void)::nanosleep(&most, nullptr);  // until SIGTERM
  }
  return static_cast<int>(error.code());
}

}  // namespace lockstep::session

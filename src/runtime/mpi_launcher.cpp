#include "mpi_launcher.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <string>

#include <fmt/format.h>

namespace lockstep::runtime {
namespace {

constexpr std::array kLaunchers = {"mpirun", "mpiexec", "orterun", "orted", "prterun", "prted"};
constexpr int kMaxAncestors = 16;  // scripts between the launcher and this process

std::string name_of(pid_t process) {
  std::string name;
  std::getline(std::ifstream(fmt::format("/proc/{}/comm", process)), name);
  return name;
}

pid_t parent_of(pid_t process) {
  std::ifstream file(fmt::format("/proc/{}/stat", process));
  std::string line;
  std::getline(file, line);
  // "PID (NAME) STATE PARENT …", where the name may contain any character.
  const auto behind_name = line.rfind(") ");
  pid_t parent = 0;
  if (behind_name == std::string::npos) return parent;
  constexpr std::size_t kStateAndSpaces = 4;
  try {
    parent = std::stoi(line.substr(std::min(behind_name + kStateAndSpaces, line.size())));
  } catch (const std::exception&) {
    return 0;
  }
  return parent;
}

}  // namespace

std::optional<pid_t> find_mpi_launcher() {
  pid_t process = ::getppid();
  for (int i = 0; i < kMaxAncestors && process > 0; ++i) {
    const auto name = name_of(process);
    if (std::find(kLaunchers.begin(), kLaunchers.end(), name) != kLaunchers.end()) return process;
    process = parent_of(process);
  }
  return std::nullopt;
}

}  // namespace lockstep::runtime

// bin/lockstep: sets what has to stand in the environment before libraries are loaded, and becomes
// the program. The same process goes on, so mpirun, signals and debuggers notice nothing.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include <lockstep/runtime/blas_kernels.hpp>
#include <lockstep/runtime/mpi_transports.hpp>

namespace {

// From the folder of bin/lockstep, in the build tree and where it is installed.
constexpr const char* kProgram = "/../" LOCKSTEP_LIBEXEC_DIR "/lockstep/lockstep";

std::string own_folder() {
  std::array<char, PATH_MAX> path{};
  const auto length = ::readlink("/proc/self/exe", path.data(), path.size() - 1);
  const std::string own(path.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
  return own.substr(0, own.rfind('/'));
}

// What the user has set is kept. No thread exists yet that could read the environment meanwhile.
bool is_set(const char* name) {
  return std::getenv(name) != nullptr;  // NOLINT(concurrency-mt-unsafe)
}
void set_if_unset(const char* name, const char* value) {
  constexpr int kKeep = 0;
  ::setenv(name, value, kKeep);  // NOLINT(concurrency-mt-unsafe)
}

void prepare_environment() {
  namespace runtime = lockstep::runtime;
  const char* core = runtime::openblas_core_for(runtime::read_cpu_features());
  if (core != nullptr) set_if_unset(runtime::kOpenBlasCoreVariable, core);
  // NCCL writes warnings to standard output, between the tutorial's lines.
  set_if_unset("NCCL_DEBUG_FILE", "/dev/stderr");
  if (!is_set(runtime::kMpiProtocolVariable) && !runtime::has_fabric_adapter()) {
    set_if_unset(runtime::kMpiTransportsVariable, runtime::kNoFabricTransports);
  }
}

/// Files that are opened later must not get the numbers of standard input, output and error where
/// these are closed: what is printed would go into them. Opened the wrong way round, so that
/// reading and writing fail as they did before.
void occupy_closed_descriptors() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    const bool closed = ::fcntl(descriptor, F_GETFD) < 0;
    // Kept open for good, as the lowest number that is free.
    if (closed) (void)::open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

}  // namespace

int main(int /*argc*/, char** argv) {
  occupy_closed_descriptors();
  prepare_environment();
  const auto program = own_folder() + kProgram;
  ::execv(program.c_str(), argv);
  const char* reason = std::strerror(errno);  // NOLINT(concurrency-mt-unsafe)
  (void)std::fprintf(stderr, "lockstep: error: cannot start %s: %s: build or install it again\n",
                     program.c_str(), reason);
  constexpr int kFailure = 1;
  return kFailure;
}

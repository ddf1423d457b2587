#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>

#include <lockstep/runtime/blas_kernels.hpp>
#include <lockstep/runtime/mpi_transports.hpp>
#include <lockstep/runtime/process_start.hpp>

namespace lockstep::runtime {
namespace {

// No thread exists yet that could read the environment meanwhile.
bool is_in_environment(const char* name) {
  return std::getenv(name) != nullptr;  // NOLINT(concurrency-mt-unsafe)
}
bool set_if_unset(const char* name, const char* value) {
  constexpr int kKeep = 0;
  return !is_in_environment(name) &&
         ::setenv(name, value, kKeep) == 0;  // NOLINT(concurrency-mt-unsafe)
}

}  // namespace

bool prepare_environment() {
  bool any = false;
  const char* core = openblas_core_for(read_cpu_features());
  if (core != nullptr) any = set_if_unset(kOpenBlasCoreVariable, core);
  // NCCL writes warnings to standard output, between the tutorial's lines.
  any = set_if_unset("NCCL_DEBUG_FILE", "/dev/stderr") || any;
  if (!is_in_environment(kMpiProtocolVariable) && !has_fabric_adapter()) {
    any = set_if_unset(kMpiTransportsVariable, kNoFabricTransports) || any;
  }
  return any;
}

void occupy_closed_descriptors() {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    const bool closed = ::fcntl(descriptor, F_GETFD) < 0;
    // Never closed; it gets the lowest free number.
    if (closed) (void)::open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

}  // namespace lockstep::runtime

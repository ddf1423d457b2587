// bin/lockstep: sets environment variables that must exist before libraries are loaded, then
// becomes the program. The process stays the same, so mpirun, signals and debuggers notice nothing.
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <string>

#include <lockstep/runtime/process_start.hpp>

namespace {

// Relative to the folder of bin/lockstep, both in the build tree and installed.
constexpr const char* kProgram = "/../" LOCKSTEP_LIBEXEC_DIR "/lockstep/lockstep";

std::string own_folder() {
  std::array<char, PATH_MAX> path{};
  const auto length = ::readlink("/proc/self/exe", path.data(), path.size() - 1);
  const std::string own(path.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
  return own.substr(0, own.rfind('/'));
}

}  // namespace

int main(int /*argc*/, char** argv) {
  lockstep::runtime::occupy_closed_descriptors();
  (void)lockstep::runtime::prepare_environment();
  const auto program = own_folder() + kProgram;
  ::execv(program.c_str(), argv);
  const char* reason = std::strerror(errno);  // NOLINT(concurrency-mt-unsafe)
  (void)std::fprintf(stderr, "lockstep: error: cannot start %s: %s: build or install it again\n",
                     program.c_str(), reason);
  constexpr int kFailure = 1;
  return kFailure;
}

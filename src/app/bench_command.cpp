#include <fmt/format.h>

#include <lockstep/app/commands.hpp>
#include <lockstep/base/error.hpp>
#include <lockstep/base/file.hpp>

namespace lockstep::app {

int bench_command(const Arguments& arguments) {
  constexpr const char* kWhich = "allreduce (time by size) or step (where a step's time goes)";
  if (arguments.empty() || arguments.front().starts_with("-")) {
    if (!session::asks_for_help(arguments)) {
      throw UsageError(fmt::format("bench: which one? {}", kWhich));
    }
    write_standard_output(
        fmt::format("Usage: mpirun -np N lockstep bench allreduce|step [options]\n\n"
                    "Measures {}; --help behind either lists its options.\n",
                    kWhich));
    return 0;
  }
  const Arguments rest(arguments.begin() + 1, arguments.end());
  if (arguments.front() == "allreduce") return bench_allreduce_command(rest);
  if (arguments.front() == "step") return bench_step_command(rest);
  throw UsageError(fmt::format("bench: unknown '{}': {}", arguments.front(), kWhich));
}

}  // namespace lockstep::app

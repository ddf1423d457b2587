// What bin/lockstep puts in the environment before the program's libraries are loaded.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "program.hpp"

namespace lockstep::tests {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// What Open MPI says of the high-speed transports that it loads.
std::string transports(std::map<std::string, std::string> environment) {
  environment["OMPI_MCA_mtl_base_verbose"] = "10";
  const auto outcome = run_program(
      {.arguments = {"bench", "allreduce", "--max-bytes", "1K"}, .environment = environment});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.standard_error;
  return outcome.standard_error;
}

TEST(Launcher, LoadsNoDriversOfAdaptersThatTheMachineDoesNotHave) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP()
      << "Open MPI with the drivers that it is told to load here crashes under ThreadSanitizer";
#endif
  if (std::filesystem::exists("/sys/class/infiniband") ||
      std::filesystem::exists("/sys/class/cxi")) {
    GTEST_SKIP() << "this machine has such an adapter";
  }
  const std::string loaded = "found loaded component";
  if (transports({{"OMPI_MCA_mtl", "psm,psm2,ofi"}}).find(loaded) == std::string::npos) {
    GTEST_SKIP() << "this Open MPI was built without such drivers";
  }
  EXPECT_THAT(transports({}), Not(HasSubstr(loaded)));
}

}  // namespace
}  // namespace lockstep::tests

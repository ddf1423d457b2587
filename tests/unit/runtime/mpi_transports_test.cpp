#include <gtest/gtest.h>

#include <lockstep/runtime/mpi_transports.hpp>

#include "temporary_folder.hpp"

namespace lockstep::runtime {
namespace {

using tests::TemporaryFolder;

TEST(FabricAdapter, IsSeenWhereTheKernelListsOne) {
  const TemporaryFolder classes;
  EXPECT_FALSE(has_fabric_adapter(classes.path()));
  std::filesystem::create_directories(classes.path() / "infiniband");
  EXPECT_FALSE(has_fabric_adapter(classes.path())) << "a driver without an adapter";
  std::filesystem::create_directories(classes.path() / "infiniband" / "mlx5_0");
  EXPECT_TRUE(has_fabric_adapter(classes.path()));
}

TEST(FabricAdapter, MayBeSlingshot) {
  const TemporaryFolder classes;
  std::filesystem::create_directories(classes.path() / "cxi" / "cxi0");
  EXPECT_TRUE(has_fabric_adapter(classes.path()));
}

}  // namespace
}  // namespace lockstep::runtime

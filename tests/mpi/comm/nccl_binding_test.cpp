// The real NCCL in this build: what can be asked of it without a GPU.
#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <lockstep/comm/factory.hpp>
#include <lockstep/comm/nccl_communicator.hpp>
#include <lockstep/runtime/cuda_devices.hpp>

#include "simulated_cuda.hpp"

namespace lockstep::comm {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(NcclBinding, IsTheVersionThatItWasCompiledWith) {
  const auto nccl = make_nccl_api();
  ASSERT_NE(nccl, nullptr);
  int loaded = 0;
  ASSERT_EQ(nccl->loaded_version(&loaded), kNcclSuccess);
  EXPECT_EQ(loaded, nccl->compiled_version());
}

TEST(NcclBinding, MakesAUniqueIdThatReachesAllRanks) {
  const auto layout = runtime::discover_rank_layout();
  const auto control = make_communicator({.node_shared = false}, layout);
  const auto nccl = make_nccl_api();
  NcclUniqueId id{};
  if (layout.rank == 0) {
    ASSERT_EQ(nccl->unique_id(&id), kNcclSuccess);
  }
  control->broadcast(std::as_writable_bytes(std::span(id)), 0).wait();
  EXPECT_NE(id, NcclUniqueId{});
}

TEST(NcclBinding, FailsToConnectWithoutADevice) {
  const auto layout = runtime::discover_rank_layout();
  if (!runtime::query_cuda_system().devices.empty()) GTEST_SKIP() << "there is a device";
  runtime::CudaStream compute(std::make_shared<simulator::SimulatedCuda>(0), 0,
                              std::chrono::seconds(30));
  try {
    const NcclCommunicator impossible(make_nccl_api(), compute, layout, {});
    ADD_FAILURE() << "should have failed";
  } catch (const RuntimeFailure& failure) {
    EXPECT_THAT(failure.what(),
                AllOf(HasSubstr("connecting the ranks by NCCL"), HasSubstr("NCCL_DEBUG=WARN")));
  }
}

TEST(CudaBinding, SaysWhyThereIsNoDevice) {
  const auto system = runtime::query_cuda_system();
  EXPECT_TRUE(system.in_this_build);
  EXPECT_GT(system.runtime_version, 0);
  EXPECT_EQ(system.devices.empty(), !system.trouble.empty()) << system.trouble;
}

}  // namespace
}  // namespace lockstep::comm

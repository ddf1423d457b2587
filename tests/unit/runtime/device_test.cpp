#include <gtest/gtest.h>

#include <lockstep/base/error.hpp>
#include <lockstep/runtime/device.hpp>

#include "expect_error.hpp"

namespace lockstep::runtime {
namespace {

RankLayout layout(int local_rank, int local_size) {
  RankLayout layout;
  layout.local_rank = local_rank;
  layout.local_size = local_size;
  layout.host = "node7";
  return layout;
}

DeviceOffer offer(int devices) {
  return {.built_with_cuda = true, .visible_cuda_devices = devices, .nvidia_gpus = devices};
}

TEST(ChooseDevice, EachLocalRankTakesItsOwn) {
  for (int rank = 0; rank < 4; ++rank) {
    const auto device = choose_device(DeviceRequest::kAuto, offer(4), layout(rank, 4));
    EXPECT_TRUE(device.is_cuda);
    EXPECT_EQ(device.index, rank);
  }
}

TEST(ChooseDevice, OneVisibleDeviceWasChosenByTheLauncher) {
  const DeviceOffer one_of_four{
      .built_with_cuda = true, .visible_cuda_devices = 1, .nvidia_gpus = 4};
  const auto device = choose_device(DeviceRequest::kAuto, one_of_four, layout(3, 4));
  EXPECT_TRUE(device.is_cuda);
  EXPECT_EQ(device.index, 0);
}

TEST(ChooseDevice, FallsBackToTheCpuOnlyIfNotAskedForCuda) {
  EXPECT_FALSE(choose_device(DeviceRequest::kAuto, offer(0), layout(0, 1)).is_cuda);
  EXPECT_FALSE(choose_device(DeviceRequest::kCpu, offer(4), layout(0, 1)).is_cuda);
  tests::expect_error<UsageError>(
      [] { (void)choose_device(DeviceRequest::kCuda, offer(0), layout(0, 1)); },
      {"a GPU is asked for", "node7", "compute on the CPU", "(device)"});
  tests::expect_error<UsageError>(
      [] { (void)choose_device(DeviceRequest::kCuda, DeviceOffer{}, layout(0, 1)); },
      {"a GPU is asked for", "no CUDA", "compute on the CPU", "(device)"});
}

TEST(ChooseDevice, MoreRanksThanDevicesIsAnErrorThatNamesThem) {
  tests::expect_error<UsageError>(
      [] { (void)choose_device(DeviceRequest::kAuto, offer(2), layout(0, 3)); },
      {"node7", "3 ranks", "2 CUDA devices"});
  tests::expect_error<UsageError>(
      [] { (void)choose_device(DeviceRequest::kAuto, offer(1), layout(0, 2)); },
      {"node7", "2 ranks", "1 CUDA device:"});
}

TEST(ChooseDevice, RanksShareADeviceOnlyWhereNcclWasToldTo) {
  auto shared = offer(2);
  shared.ranks_may_share = true;
  EXPECT_EQ(choose_device(DeviceRequest::kAuto, shared, layout(0, 4)).index, 0);
  EXPECT_EQ(choose_device(DeviceRequest::kAuto, shared, layout(3, 4)).index, 1);
}

TEST(CheckDevicesDiffer, NamesTheRanksOfOneDevice) {
  auto ranks = layout(0, 3);
  ranks.hosts = {"node7", "node7", "node8"};
  ranks.process_ids = {11, 12, 13};
  check_devices_differ({"GPU-a", "GPU-b", "GPU-c"}, ranks, false);
  check_devices_differ({"", "", ""}, ranks, false);
  check_devices_differ({"GPU-a", "GPU-a", "GPU-c"}, ranks, true);
  tests::expect_error<UsageError>(
      [&] {
        check_devices_differ({"GPU-b", "GPU-a", "GPU-b"}, ranks, false);
      },
      {"rank 0 (node7, pid 11)", "rank 2 (node8, pid 13)", "GPU-b", "--gpus-per-task=1",
       "NCCL_MULTI_RANK_GPU_ENABLE=1"});
}

}  // namespace
}  // namespace lockstep::runtime

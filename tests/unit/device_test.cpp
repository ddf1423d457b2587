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
      {"--device cuda", "node7", "--device cpu"});
  tests::expect_error<UsageError>(
      [] { (void)choose_device(DeviceRequest::kCuda, DeviceOffer{}, layout(0, 1)); },
      {"--device cuda", "no CUDA", "--device cpu"});
}

TEST(ChooseDevice, MoreRanksThanDevicesIsAnErrorThatNamesThem) {
  tests::expect_error<UsageError>(
      [] { (void)choose_device(DeviceRequest::kAuto, offer(2), layout(0, 3)); },
      {"node7", "3 ranks", "2 CUDA devices"});
  tests::expect_error<UsageError>(
      [] { (void)choose_device(DeviceRequest::kAuto, offer(1), layout(0, 2)); },
      {"node7", "2 ranks", "1 CUDA device:"});
}

}  // namespace
}  // namespace lockstep::runtime

#include <filesystem>

#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/runtime/device.hpp>

namespace lockstep::runtime {

Device choose_device(DeviceRequest request, const DeviceOffer& offer, const RankLayout& layout) {
  const int devices = offer.visible_cuda_devices;
  if (request == DeviceRequest::kCpu) return {};
  if (request == DeviceRequest::kCuda && !offer.built_with_cuda) {
    throw UsageError(
        "--device cuda: this build of Lockstep has no CUDA; build it with launch/quickstart.sh "
        "--cuda, or use --device cpu");
  }
  if (request == DeviceRequest::kCuda && devices == 0) {
    throw UsageError(
        fmt::format("--device cuda: no CUDA device is visible on {}; check nvidia-smi and "
                    "CUDA_VISIBLE_DEVICES there, or use --device cpu",
                    layout.host));
  }
  if (devices == 0) return {};
  if (devices > 1 && layout.local_size > devices) {
    throw UsageError(fmt::format(
        "{} has {} ranks but {} CUDA devices: start at most {} ranks on it, or use --device cpu",
        layout.host, layout.local_size, devices, devices));
  }
  return {.is_cuda = true, .index = devices == 1 ? 0 : layout.local_rank};
}

int count_nvidia_gpus() {
  std::error_code error;
  int count = 0;
  const std::filesystem::directory_iterator folder("/proc/driver/nvidia/gpus", error);
  if (error) return 0;
  for ([[maybe_unused]] const auto& entry : folder) ++count;
  return count;
}

}  // namespace lockstep::runtime

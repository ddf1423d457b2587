#include <algorithm>
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
  // A launcher that shows each rank one device of several leaves the node's others in the count.
  const int on_node = devices > 1 ? devices : std::max(1, offer.nvidia_gpus);
  if (layout.local_size > on_node) {
    throw UsageError(fmt::format(
        "{} has {} ranks but {} CUDA device{}: start at most {} on it, or use --device cpu",
        layout.host, layout.local_size, on_node, on_node == 1 ? "" : "s", on_node));
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

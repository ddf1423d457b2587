#include <algorithm>
#include <filesystem>
#include <map>
#include <string_view>

#include <fmt/format.h>

#include <lockstep/base/error.hpp>
#include <lockstep/runtime/device.hpp>

namespace lockstep::runtime {

Device choose_device(DeviceRequest request, const DeviceOffer& offer, const RankLayout& layout) {
  const int devices = offer.visible_cuda_devices;
  if (request == DeviceRequest::kCpu) return {};
  if (request == DeviceRequest::kCuda && !offer.built_with_cuda) {
    throw UsageError(
        "a GPU is asked for, and this build of Lockstep has no CUDA: build it with "
        "launch/quickstart.sh --cuda, or compute on the CPU",
        {"device"});
  }
  if (request == DeviceRequest::kCuda && devices == 0) {
    throw UsageError(
        fmt::format("a GPU is asked for, and no CUDA device is visible on {}: check nvidia-smi and "
                    "CUDA_VISIBLE_DEVICES there, or compute on the CPU",
                    layout.host),
        {"device"});
  }
  if (devices == 0) return {};
  // A launcher that shows each rank only one of several devices leaves the node's others in the
  // count.
  const int on_node = devices > 1 ? devices : std::max(1, offer.nvidia_gpus);
  if (layout.local_size > on_node && !offer.ranks_may_share) {
    throw UsageError(
        fmt::format("{} has {} ranks but {} CUDA device{}: start at most {} on it, or compute on "
                    "the CPU",
                    layout.host, layout.local_size, on_node, on_node == 1 ? "" : "s", on_node),
        {"device"});
  }
  return {.is_cuda = true, .index = layout.local_rank % devices};
}

void check_devices_differ(const std::vector<std::string>& uuids, const RankLayout& layout,
                          bool ranks_may_share) {
  if (ranks_may_share) return;
  std::map<std::string_view, int> owners;
  for (std::size_t rank = 0; rank < uuids.size(); ++rank) {
    if (uuids[rank].empty()) continue;
    const auto [owner, is_first] = owners.emplace(uuids[rank], static_cast<int>(rank));
    if (is_first) continue;
    throw UsageError(fmt::format(
        "{} and {} were given the same GPU ({}): let the launcher give each its own (Slurm: "
        "--gpus-per-task=1), or show every rank all of them; NCCL 2.30 and newer shares one with "
        "{}=1",
        layout.describe(owner->second), layout.describe(static_cast<int>(rank)), uuids[rank],
        kNcclMultiRankVariable));
  }
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

// Which device a rank computes on.
#pragma once

#include <string>
#include <vector>

#include <lockstep/runtime/rank_layout.hpp>

namespace lockstep::runtime {

enum class DeviceRequest { kAuto, kCuda, kCpu };

/// A rank's device; `index` counts this process's visible CUDA devices.
struct Device {
  bool is_cuda = false;
  int index = 0;
};

/// What this build and machine offer.
struct DeviceOffer {
  bool built_with_cuda = false;
  int visible_cuda_devices = 0;  ///< as LibTorch counts them; 0 without a driver
  int nvidia_gpus = 0;           ///< as the operating system counts them
  bool ranks_may_share = false;  ///< NCCL was told to accept several ranks per device
};

/// The variable that makes NCCL 2.30 and newer accept several ranks per device.
inline constexpr const char* kNcclMultiRankVariable = "NCCL_MULTI_RANK_GPU_ENABLE";

/// Pure decision: local rank → device. One visible device means that the launcher chose it for the
/// rank (Slurm's --gpus-per-task), so every rank uses device 0. Throws UsageError if CUDA is asked
/// for but not there, or if the node has more ranks than devices and may not share them; the
/// message names host, ranks, devices and the remedy.
[[nodiscard]] Device choose_device(DeviceRequest request, const DeviceOffer& offer,
                                   const RankLayout& layout);

/// `uuids`: of each rank's device, in rank order; empty for a CPU. Throws UsageError, naming the
/// ranks, if two have the same device and may not share it: NCCL's own message would say less.
void check_devices_differ(const std::vector<std::string>& uuids, const RankLayout& layout,
                          bool ranks_may_share);

/// The number of NVIDIA GPUs that the kernel driver lists (/proc/driver/nvidia/gpus), for the
/// warning that a CPU-only build leaves them idle.
[[nodiscard]] int count_nvidia_gpus();

}  // namespace lockstep::runtime

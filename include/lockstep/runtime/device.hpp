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
  bool ranks_may_share = false;  ///< NCCL has been told to take several ranks of one device
};

/// The variable by which NCCL 2.30 and newer takes several ranks of one device.
inline constexpr const char* kNcclMultiRankVariable = "NCCL_MULTI_RANK_GPU_ENABLE";

/// Pure decision: local rank → device. One visible device means that the launcher chose it for the
/// rank (Slurm's --gpus-per-task), so it is device 0 for everybody.
/// Throws UsageError if CUDA is asked for and not there, or if the node has more ranks than
/// devices and may not share them; the message names host, ranks, devices and the remedy.
[[nodiscard]] Device choose_device(DeviceRequest request, const DeviceOffer& offer,
                                   const RankLayout& layout);

/// `uuids`: of the device of each rank, in rank order, empty for a CPU. Throws UsageError, naming
/// the ranks, if two have the same and may not share: NCCL would refuse them with less to say.
void check_devices_differ(const std::vector<std::string>& uuids, const RankLayout& layout,
                          bool ranks_may_share);

/// NVIDIA GPUs that the kernel driver lists (/proc/driver/nvidia/gpus), for the warning that a
/// CPU-only build leaves them idle.
[[nodiscard]] int count_nvidia_gpus();

}  // namespace lockstep::runtime

// The GPUs that this process can use.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace lockstep::runtime {

struct CudaDevice {
  std::string name;  ///< "NVIDIA H100 80GB HBM3"
  std::string uuid;  ///< of the physical device (or MIG slice): equal for two ranks that share it
  std::uint64_t memory_bytes = 0;
  std::string compute_capability;  ///< "9.0"
  std::vector<int> peers;          ///< devices of this list whose memory it can access directly
};

/// What CUDA says of this machine, to this process.
struct CudaSystem {
  bool in_this_build = false;
  int runtime_version = 0;  ///< of the loaded library, as CUDA numbers them: 13020 is 13.2
  int driver_version = 0;   ///< the newest that the driver supports; 0 without a driver
  std::string trouble{};    ///< why there are no devices, in CUDA's words; empty if there are some
  std::vector<CudaDevice> devices{};
};

/// Asks CUDA, without choosing a device or making a context. Does not throw if there is no GPU.
[[nodiscard]] CudaSystem query_cuda_system();

/// "13.2" for 13020.
[[nodiscard]] inline std::string cuda_version_text(int version) {
  constexpr int kMajor = 1000;
  constexpr int kMinor = 10;
  return std::to_string(version / kMajor) + "." + std::to_string(version % kMajor / kMinor);
}

}  // namespace lockstep::runtime

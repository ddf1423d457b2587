#include <cuda_runtime.h>

#include <array>

#include <fmt/format.h>

#include <lockstep/runtime/cuda_devices.hpp>

namespace lockstep::runtime {
namespace {

std::string uuid_text(const cudaUUID_t& uuid) {
  std::string text = "GPU-";
  for (std::size_t i = 0; i < sizeof(uuid.bytes); ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) text += '-';
    text += fmt::format("{:02x}", static_cast<unsigned char>(uuid.bytes[i]));
  }
  return text;
}

std::vector<int> peers_of(int device, int devices) {
  std::vector<int> peers;
  for (int other = 0; other < devices; ++other) {
    int reaches = 0;
    if (other != device && cudaDeviceCanAccessPeer(&reaches, device, other) == cudaSuccess &&
        reaches != 0) {
      peers.push_back(other);
    }
  }
  return peers;
}

}  // namespace

CudaSystem query_cuda_system() {
  CudaSystem system{.in_this_build = true};
  cudaRuntimeGetVersion(&system.runtime_version);
  cudaDriverGetVersion(&system.driver_version);
  int count = 0;
  if (const auto code = cudaGetDeviceCount(&count); code != cudaSuccess) {
    system.trouble = cudaGetErrorString(code);
    return system;
  }
  for (int index = 0; index < count; ++index) {
    cudaDeviceProp properties{};
    if (const auto code = cudaGetDeviceProperties(&properties, index); code != cudaSuccess) {
      system.trouble = fmt::format("device {}: {}", index, cudaGetErrorString(code));
      return system;
    }
    system.devices.push_back(
        {.name = std::data(properties.name),
         .uuid = uuid_text(properties.uuid),
         .memory_bytes = properties.totalGlobalMem,
         .compute_capability = fmt::format("{}.{}", properties.major, properties.minor),
         .peers = peers_of(index, count)});
  }
  return system;
}

}  // namespace lockstep::runtime

#include <dlfcn.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <algorithm>
#include <array>

#include <lockstep/runtime/blas_kernels.hpp>

namespace lockstep::runtime {
namespace {

/// 0 for families other than 6. Source: Intel 64 and IA-32 Architectures Software Developer's
/// Manual, volume 2A, CPUID, leaf 1.
int intel_model() noexcept {
#if defined(__x86_64__)
  unsigned int signature = 0;
  unsigned int ebx = 0;
  unsigned int ecx = 0;
  unsigned int edx = 0;
  if (__get_cpuid(1, &signature, &ebx, &ecx, &edx) == 0) return 0;
  const bool family_6 = (signature >> 8U & 0xFU) == 6;
  return family_6 ? static_cast<int>((signature >> 4U & 0xFU) | (signature >> 12U & 0xF0U)) : 0;
#else
  return 0;
#endif
}

}  // namespace

CpuFeatures read_cpu_features() noexcept {
  CpuFeatures features;
#if defined(__x86_64__)
  __builtin_cpu_init();
  features.amd = __builtin_cpu_is("amd") != 0;
  features.intel = __builtin_cpu_is("intel") != 0;
  features.model = intel_model();
  features.avx2 = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
  features.avx512 =
      __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
      __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vl") != 0 &&
      __builtin_cpu_supports("avx512cd") != 0;
#endif
  return features;
}

const char* openblas_core_for(const CpuFeatures& features) noexcept {
  if (features.amd) return features.avx512 ? "SkylakeX" : nullptr;
  if (!features.intel || features.model == 0) return nullptr;
  if (!features.avx512)
    return features.avx2 ? "Haswell" : nullptr;  // as it does for those it knows
  // Skylake-X to Sapphire Rapids, Rocket Lake, and early Alder Lake.
  constexpr std::array kKnown = {0x55, 0x66, 0x6A, 0x6C, 0x7D, 0x7E,
                                 0x8C, 0x8D, 0x8F, 0x97, 0x9A, 0xA7};
  const bool known = std::find(kKnown.begin(), kKnown.end(), features.model) != kKnown.end();
  return known ? nullptr : "SkylakeX";
}

std::string openblas_core_in_use() {
  // Looked up, not linked: LibTorch comes with its own BLAS, which need not be OpenBLAS.
  void* const symbol = ::dlsym(RTLD_DEFAULT, "openblas_get_corename");
  if (symbol == nullptr) return {};
  return reinterpret_cast<const char* (*)()>(symbol)();  // as POSIX says
}

}  // namespace lockstep::runtime

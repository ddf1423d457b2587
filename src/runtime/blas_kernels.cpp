#include <dlfcn.h>

#include <lockstep/runtime/blas_kernels.hpp>

namespace lockstep::runtime {

CpuFeatures read_cpu_features() noexcept {
  CpuFeatures features;
#if defined(__x86_64__)
  __builtin_cpu_init();
  features.amd = __builtin_cpu_is("amd") != 0;
  features.avx512 =
      __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
      __builtin_cpu_supports("avx512bw") != 0 && __builtin_cpu_supports("avx512vl") != 0 &&
      __builtin_cpu_supports("avx512cd") != 0;
#endif
  return features;
}

const char* openblas_core_for(const CpuFeatures& features) noexcept {
  return features.amd && features.avx512 ? "SkylakeX" : nullptr;
}

std::string openblas_core_in_use() {
  // Looked up, not linked: LibTorch brings its BLAS along, and it need not be OpenBLAS.
  void* const symbol = ::dlsym(RTLD_DEFAULT, "openblas_get_corename");
  if (symbol == nullptr) return {};
  return reinterpret_cast<const char* (*)()>(symbol)();  // as POSIX says
}

}  // namespace lockstep::runtime

// Which of OpenBLAS's matrix kernels fit the processor, and which are in use.
#pragma once

#include <string>

namespace lockstep::runtime {

/// The variable from which OpenBLAS takes the name of its kernels while it is being loaded.
inline constexpr const char* kOpenBlasCoreVariable = "OPENBLAS_CORETYPE";

struct CpuFeatures {
  bool amd = false;
  bool intel = false;
  int model = 0;        ///< of Intel's family 6; 0: another family
  bool avx2 = false;    ///< and FMA: all that the Haswell kernels use
  bool avx512 = false;  ///< F, DQ, BW, VL and CD: all that the SkylakeX kernels use
};

[[nodiscard]] CpuFeatures read_cpu_features() noexcept;

/// The kernels to ask OpenBLAS for, or null if its own choice is right. OpenBLAS 0.3.21 knows no
/// AMD processor with AVX-512 (Zen 4 and 5) and falls back to slower AVX2 kernels. It knows Intel's
/// by their model numbers, and uses the SSE3 kernels of 2004 for newer ones.
/// Source: OpenBLAS, driver/others/dynamic.c; docs/performance.md has the measurement.
[[nodiscard]] const char* openblas_core_for(const CpuFeatures& features) noexcept;

/// The kernels that OpenBLAS in this process runs ("SkylakeX"); empty if none is loaded.
[[nodiscard]] std::string openblas_core_in_use();

}  // namespace lockstep::runtime

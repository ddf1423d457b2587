#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <lockstep/benchmark/fma_peak.hpp>

#if defined(__x86_64__)
#define LOCKSTEP_TARGET(features) __attribute__((target(features)))
#else
#define LOCKSTEP_TARGET(features)
#endif

namespace lockstep::benchmark {
namespace {

constexpr std::int64_t kRounds = 1 << 20;
constexpr int kRuns = 7;
// Enough independent chains to hide the latency of two units.
constexpr std::size_t kChains = 12;

/// Multiply-adds on kChains vectors of `width` floats; the result keeps the compiler from dropping
/// them. Uses the compiler's vector extension, so one text serves every width.
template <typename Vector>
[[gnu::always_inline]] inline float multiply_and_add() {
  std::array<Vector, kChains> sums;
  for (std::size_t i = 0; i < kChains; ++i) sums[i] = Vector{} + static_cast<float>(i);
  const Vector factor = Vector{} + 0.999F;
  const Vector addend = Vector{} + 0.001F;
  for (std::int64_t round = 0; round < kRounds; ++round) {
#pragma GCC unroll 12
    for (std::size_t i = 0; i < kChains; ++i) sums[i] = sums[i] * factor + addend;
  }
  float total = 0;
  for (const auto& sum : sums) total += sum[0];
  return total;
}

using Vector4 = float __attribute__((vector_size(16)));
using Vector8 = float __attribute__((vector_size(32)));
using Vector16 = float __attribute__((vector_size(64)));

LOCKSTEP_TARGET("avx512f") float run_16() {
  return multiply_and_add<Vector16>();
}
LOCKSTEP_TARGET("avx2,fma") float run_8() {
  return multiply_and_add<Vector8>();
}
float run_4() {
  return multiply_and_add<Vector4>();
}

struct Kernel {
  float (*run)();
  int width;
};

Kernel widest_kernel() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f") != 0) return {run_16, 16};
  if (__builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0) return {run_8, 8};
#endif
  return {run_4, 4};
}

}  // namespace

double measure_fma_peak_gflop_per_s() {
  const auto kernel = widest_kernel();
  const double operations = 2.0 * kernel.width * static_cast<double>(kChains) * kRounds;
  double best = 0;
  for (int run = 0; run < kRuns; ++run) {
    const auto start = std::chrono::steady_clock::now();
    const float result = kernel.run();
    const double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (std::isfinite(result)) best = std::max(best, operations / seconds / 1e9);
  }
  return best;
}

}  // namespace lockstep::benchmark

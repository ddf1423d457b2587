#include "plain_sgd.hpp"

#include <cmath>
#include <cstddef>

namespace lockstep::train {
namespace {

#if defined(__FP_FAST_FMAF)
constexpr bool kEveryCpuFuses = true;
#else
constexpr bool kEveryCpuFuses = false;
#endif

/// `kFuses`: multiplies and adds in one instruction. Requested explicitly, since compilers do so on
/// their own only when optimising, and all builds must round alike.
template <bool kFuses>
[[gnu::always_inline]] inline void update(float* __restrict__ parameters,
                                          float* __restrict__ gradients, std::size_t count,
                                          float learning_rate) {
  for (std::size_t i = 0; i < count; ++i) {
    if constexpr (kFuses) {
      parameters[i] = std::fma(-learning_rate, gradients[i], parameters[i]);
    } else {
      parameters[i] += -learning_rate * gradients[i];
    }
    gradients[i] = 0;
  }
}

#if defined(__x86_64__)
// Dispatched by hand and not by target_clones, which does not work with sanitizers.
[[gnu::target("avx512f,fma")]] void update_by_avx512(float* parameters, float* gradients,
                                                     std::size_t count, float learning_rate) {
  update<true>(parameters, gradients, count, learning_rate);
}
[[gnu::target("fma")]] void update_by_fma(float* parameters, float* gradients, std::size_t count,
                                          float learning_rate) {
  update<true>(parameters, gradients, count, learning_rate);
}
#endif

}  // namespace

void step_and_clear(std::span<float> parameters, std::span<float> gradients, float learning_rate) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f")) {
    return update_by_avx512(parameters.data(), gradients.data(), gradients.size(), learning_rate);
  }
  if (__builtin_cpu_supports("fma")) {
    return update_by_fma(parameters.data(), gradients.data(), gradients.size(), learning_rate);
  }
#endif
  update<kEveryCpuFuses>(parameters.data(), gradients.data(), gradients.size(), learning_rate);
}

}  // namespace lockstep::train

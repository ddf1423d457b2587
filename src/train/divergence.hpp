// What to do when training diverges.
#pragma once

#include <lockstep/base/error.hpp>

namespace lockstep::train {

inline constexpr const char* kDivergenceRemedy =
    "try a smaller learning rate, a warm-up, or clipping";

[[nodiscard]] inline Settings divergence_settings() {
  return {"lr", "warmup_steps", "clip_grad_norm"};
}

}  // namespace lockstep::train

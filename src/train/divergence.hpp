// What to do about a training whose numbers have run away.
#pragma once

namespace lockstep::train {

inline constexpr const char* kDivergenceRemedy =
    "try a smaller --lr, --warmup-steps or --clip-grad-norm";

}  // namespace lockstep::train

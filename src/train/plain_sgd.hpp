// A step of SGD without momentum and weight decay, for CPUs.
#pragma once

#include <span>

namespace lockstep::train {

/// parameters −= learning_rate · gradients, and gradients = 0, in one pass over memory, which is
/// what takes the time. Rounds as LibTorch's own SGD does: once if the CPU multiplies and adds in
/// one instruction. There must be as many parameters as gradients.
void step_and_clear(std::span<float> parameters, std::span<float> gradients, float learning_rate);

}  // namespace lockstep::train

// The learning rate of each step.
#pragma once

#include <cstdint>

#include <lockstep/train/options.hpp>

namespace lockstep::train {

/// The learning rate of step `step` (from 1) in epoch `epoch` (from 1) of a run of `total_steps`.
///
/// With w warm-up steps, t = step − 1 and T = total_steps − w:
///   warm-up (t < w)   lr · (t + 1) / w
///   constant          lr
///   step              lr · gamma^⌊(epoch − 1) / step_epochs⌋
///   cosine            lr · (1 + cos(π · (t − w) / T)) / 2
///   linear            lr · (1 − (t − w) / T)
///   onecycle          along half a cosine from lr / 25 at t = 0 to lr at t = 0.3 T − 1, then along
///                     another to lr / 250000 at t = T − 1; without warm-up steps
/// Source: torch.optim.lr_scheduler (StepLR, CosineAnnealingLR, LinearLR, and OneCycleLR with its
/// defaults except for cycle_momentum=False), stepped every step but for StepLR.
[[nodiscard]] double learning_rate(const OptimizationOptions& options, std::int64_t step,
                                   std::int64_t epoch, std::int64_t total_steps);

}  // namespace lockstep::train

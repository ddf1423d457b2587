// The exponential moving average of a model's weights.
#pragma once

#include <torch/torch.h>

namespace lockstep::train {

/// After the first update a copy of the parameters, then
/// average ← decay · average + (1 − decay) · parameters, element by element in one pass: the same
/// on all ranks that have the same parameters. float32 [elements]. One thread.
/// Source: torch.optim.swa_utils.AveragedModel with get_ema_multi_avg_fn.
class WeightAverage {
 public:
  /// `parameters` are shared with the caller, whose steps change them.
  WeightAverage(double decay, torch::Tensor parameters);

  /// Call after each optimizer step.
  void update();
  /// Puts the average in the parameters' place, and the parameters in its own; calling it again
  /// puts both back, bit for bit. Call after the first update.
  void swap();

  /// Undefined before the first update.
  [[nodiscard]] const torch::Tensor& values() const { return average_; }
  /// Continues from these values, which are copied.
  void restore(const torch::Tensor& values);

 private:
  double decay_;
  torch::Tensor parameters_;
  torch::Tensor average_;
};

}  // namespace lockstep::train

// How a step changes a network's buffers, over all shards of the global batch.
#pragma once

#include <cstdint>
#include <vector>

#include <torch/torch.h>

namespace lockstep::sync {

/// Keeps the buffers of a module (running statistics, counters) the same on all ranks, whatever
/// their number. Every shard of a step starts from the buffers as they were before the step. After
/// it, a floating-point buffer has moved by the mean of the shards' moves, weighted by their
/// samples; any other buffer has moved as in the first shard. A buffer that no shard changes keeps
/// its bits. (DistributedDataParallel keeps rank 0's instead, which have seen only rank 0's
/// samples.)
///
/// A step, on every rank:
///   moves.begin_step();
///   for each shard: moves.begin_shard(); … forward passes …; contribution = moves.of_shard(…);
///   … contributions are summed over all shards …
///   moves.apply(sum, samples);
/// If there is only one shard in all, there is nothing to combine, and nothing is done. One thread.
class BufferMoves {
 public:
  /// `shards`: in a step, over all ranks. The module must outlive this and keep the same buffers.
  BufferMoves(const torch::nn::Module& module, std::int64_t shards);

  /// The size of a contribution; 0 if there is nothing to combine.
  [[nodiscard]] std::int64_t elements() const { return elements_; }

  void begin_step();
  void begin_shard();
  /// A shard's contribution: float32 [elements()], valid until the next call; undefined if that is
  /// 0. `first`: this is shard 0 of all.
  [[nodiscard]] torch::Tensor of_shard(std::int64_t samples, bool first);
  /// `sum`: of all contributions; `samples`: of the step, a scalar; both float32 on the device.
  void apply(const torch::Tensor& sum, const torch::Tensor& samples);

 private:
  std::vector<torch::Tensor> buffers_;
  std::vector<torch::Tensor> before_;  // at the beginning of the current step
  torch::Tensor moves_;
  std::int64_t elements_ = 0;
};

}  // namespace lockstep::sync

#include <lockstep/sync/buffer_moves.hpp>

namespace lockstep::sync {
namespace {

/// Integers as int64, floating point unchanged.
torch::Tensor countable(const torch::Tensor& tensor) {
  return tensor.is_floating_point() ? tensor : tensor.to(torch::kInt64);
}

}  // namespace

BufferMoves::BufferMoves(const torch::nn::Module& module, std::int64_t shards) {
  if (shards == 1) return;
  const torch::NoGradGuard no_gradients;
  for (const auto& buffer : module.buffers()) {
    buffers_.push_back(buffer);
    before_.push_back(buffer.clone());
    elements_ += buffer.numel();
  }
  if (elements_ == 0) return;
  moves_ = torch::zeros({elements_}, buffers_.front().options().dtype(torch::kFloat32));
}

void BufferMoves::begin_step() {
  const torch::NoGradGuard no_gradients;
  for (std::size_t i = 0; i < buffers_.size(); ++i) before_[i].copy_(buffers_[i]);
}

void BufferMoves::begin_shard() {
  const torch::NoGradGuard no_gradients;
  for (std::size_t i = 0; i < buffers_.size(); ++i) buffers_[i].copy_(before_[i]);
}

torch::Tensor BufferMoves::of_shard(std::int64_t samples, bool first) {
  const torch::NoGradGuard no_gradients;
  std::int64_t offset = 0;
  for (std::size_t i = 0; i < buffers_.size(); ++i) {
    const auto now = countable(buffers_[i]);
    const auto then = countable(before_[i]);
    // Equal values give 0, not their difference: that of two infinities is not a number.
    const auto move = torch::where(now == then, torch::zeros_like(now), now - then);
    const double weight =
        now.is_floating_point() ? static_cast<double>(samples) : (first ? 1.0 : 0.0);
    moves_.narrow(0, offset, now.numel()).copy_((move * weight).flatten());
    offset += now.numel();
  }
  return moves_;
}

void BufferMoves::apply(const torch::Tensor& sum, const torch::Tensor& samples) {
  const torch::NoGradGuard no_gradients;
  std::int64_t offset = 0;
  for (std::size_t i = 0; i < buffers_.size(); ++i) {
    auto& buffer = buffers_[i];
    const auto part = sum.narrow(0, offset, buffer.numel()).view(buffer.sizes());
    const auto then = countable(before_[i]);
    const auto move = buffer.is_floating_point() ? part / samples : part.round();
    buffer.copy_(then + move.to(then.scalar_type()));
    offset += buffer.numel();
  }
}

}  // namespace lockstep::sync

// The tutorial's loss functions.
#pragma once

#include <cstdint>
#include <functional>

#include <torch/torch.h>

namespace lockstep::model {

enum class Loss : std::uint8_t {
  kCrossEntropy,  ///< nn.CrossEntropyLoss on logits
  kNll,           ///< nn.NLLLoss on log-softmax of the logits: the same numbers
  kMse            ///< nn.MSELoss of the logits against one-hot labels (mean over the classes)
};

/// The sum over the batch of each sample's loss: a scalar float32 tensor. Divided by the number of
/// samples, of this batch or of the global batch, it is PyTorch's loss with reduction="mean".
/// logits [B, C] float32, labels [B] int64.
/// Source: https://docs.pytorch.org/docs/stable/nn.html#loss-functions
[[nodiscard]] torch::Tensor loss_sum(Loss loss, const torch::Tensor& logits,
                                     const torch::Tensor& labels);

/// The sum over the batch of each sample's loss: a scalar float32 tensor. outputs [B, …] float32;
/// targets as data::Batch has them. One thread at a time.
using LossFunction =
    std::function<torch::Tensor(const torch::Tensor& outputs, const torch::Tensor& targets)>;

[[nodiscard]] LossFunction loss_function(Loss loss);

}  // namespace lockstep::model

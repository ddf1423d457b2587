// Loss functions.
#pragma once

#include <cstdint>
#include <functional>

#include <torch/torch.h>

namespace lockstep::model {

enum class Loss : std::uint8_t {
  kCrossEntropy,  ///< nn.CrossEntropyLoss on logits
  kNll,           ///< nn.NLLLoss on log-softmax of the logits: the same numbers
  kMse,  ///< nn.MSELoss: of the logits against one-hot labels (mean over the classes), or against
         ///< targets that are numbers (mean over a target's numbers)
  kL1    ///< nn.L1Loss against targets that are numbers (mean over a target's numbers)
};

/// The sum over the batch of each sample's loss: a scalar float32 tensor. Divided by the number of
/// samples, of this batch or of the global batch, it is PyTorch's loss with reduction="mean".
/// For classes: outputs [B, C] float32, targets [B] int64. For numbers (kMse and kL1): targets
/// [B, …] float32, and as many outputs. Throws UsageError for numbers of another count.
/// `label_smoothing` in [0, 1) is kCrossEntropy's, and the others ignore it: that share of each
/// target is spread evenly over all C classes.
/// Source: https://docs.pytorch.org/docs/stable/nn.html#loss-functions
[[nodiscard]] torch::Tensor loss_sum(Loss loss, const torch::Tensor& outputs,
                                     const torch::Tensor& targets, double label_smoothing = 0);

/// Whether the loss is for targets that are numbers, or for classes. kMse is for both.
[[nodiscard]] bool takes_numbers(Loss loss);
[[nodiscard]] bool takes_classes(Loss loss);

/// The sum of the losses of all samples in the batch: a scalar float32 tensor. outputs [B, …]
/// float32; targets as in data::Batch. One thread at a time.
using LossFunction =
    std::function<torch::Tensor(const torch::Tensor& outputs, const torch::Tensor& targets)>;

/// Gives what loss_sum gives.
[[nodiscard]] LossFunction loss_function(Loss loss, double label_smoothing = 0);

}  // namespace lockstep::model

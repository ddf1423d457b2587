// PyTorch's random permutations.
#pragma once

#include <cstdint>

#include <torch/torch.h>

namespace lockstep::data {

/// torch.randperm(count, generator=torch.Generator().manual_seed(seed)): int64 [count].
inline torch::Tensor random_permutation(std::int64_t count, std::uint64_t seed) {
  const auto generator = torch::make_generator<at::CPUGeneratorImpl>(seed);
  return torch::randperm(count, generator, torch::kInt64);
}

}  // namespace lockstep::data

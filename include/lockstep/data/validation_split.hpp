// Holding back part of the training data for validation.
#pragma once

#include <cstdint>
#include <vector>

namespace lockstep::data {

/// Two disjoint sets of sample indices, each ascending, that together are [0, samples).
struct ValidationSplit {
  std::vector<std::int64_t> train;
  std::vector<std::int64_t> validation;
};

/// How many samples are held back: ⌊samples · fraction⌋. `fraction` in [0, 1).
[[nodiscard]] std::int64_t validation_samples(std::int64_t samples, double fraction);

/// Holds back ⌊samples · fraction⌋ samples, chosen by `seed` alone: the same on every rank, in
/// every epoch and at every world size.
[[nodiscard]] ValidationSplit split_for_validation(std::int64_t samples, double fraction,
                                                   std::uint64_t seed);

}  // namespace lockstep::data

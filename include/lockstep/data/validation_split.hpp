// Holding a part of the training data back for validation.
#pragma once

#include <cstdint>
#include <vector>

namespace lockstep::data {

/// Two disjoint sets of sample indices, each ascending, that together are [0, samples).
struct ValidationSplit {
  std::vector<std::int64_t> train;
  std::vector<std::int64_t> validation;
};

/// ⌊samples · fraction⌋: how many are held back. `fraction` in [0, 1).
[[nodiscard]] std::int64_t validation_samples(std::int64_t samples, double fraction);

/// Holds ⌊samples · fraction⌋ samples back, chosen by `seed` alone: the same on every rank, in
/// every epoch and at every world size.
[[nodiscard]] ValidationSplit split_for_validation(std::int64_t samples, double fraction,
                                                   std::uint64_t seed);

}  // namespace lockstep::data

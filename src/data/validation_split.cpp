#include <algorithm>
#include <numeric>

#include <lockstep/data/validation_split.hpp>

#include "random_permutation.hpp"

namespace lockstep::data {

std::int64_t validation_samples(std::int64_t samples, double fraction) {
  return static_cast<std::int64_t>(static_cast<double>(samples) * fraction);
}

ValidationSplit split_for_validation(std::int64_t samples, double fraction, std::uint64_t seed) {
  const std::int64_t held_back = validation_samples(samples, fraction);
  ValidationSplit split;
  if (held_back == 0) {
    split.train.resize(static_cast<std::size_t>(samples));
    std::iota(split.train.begin(), split.train.end(), 0);
    return split;
  }
  const auto permutation = random_permutation(samples, seed);
  const auto* begin = permutation.data_ptr<std::int64_t>();
  split.validation.assign(begin, begin + held_back);
  split.train.assign(begin + held_back, begin + samples);
  std::sort(split.validation.begin(), split.validation.end());
  std::sort(split.train.begin(), split.train.end());
  return split;
}

}  // namespace lockstep::data

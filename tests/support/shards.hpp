// Random gradients of shards, and their sum by the definition of the tree.
#pragma once

#include <cmath>
#include <cstddef>
#include <random>
#include <vector>

namespace lockstep::tests {

using Shards = std::vector<std::vector<float>>;

/// Of very different sizes, so that the order of additions shows.
inline Shards random_shards(std::mt19937& random, std::size_t count, std::size_t elements) {
  std::normal_distribution<float> values(0.0F, 1.0F);
  std::uniform_int_distribution<int> exponents(-20, 20);
  Shards shards(count, std::vector<float>(elements));
  for (auto& shard : shards) {
    for (auto& value : shard) value = std::ldexp(values(random), exponents(random));
  }
  return shards;
}

/// Of two halves, one by the lowest bit of the number, each added up like that.
inline float sum_of_tree(const Shards& shards, std::size_t element, std::size_t first = 0,
                         std::size_t stride = 1) {
  if (first + stride >= shards.size()) return shards[first][element];
  return sum_of_tree(shards, element, first, 2 * stride) +
         sum_of_tree(shards, element, first + stride, 2 * stride);
}

}  // namespace lockstep::tests

// Random numbers that are a function of their place, not of the numbers drawn before.
#pragma once

#include <array>
#include <cstdint>

namespace lockstep::data {

/// Philox4x32-10: 128 random bits for each `counter` under a `key`, the same on every platform.
/// Source: J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as
/// 1, 2, 3", SC'11, https://doi.org/10.1145/2063384.2063405
[[nodiscard]] constexpr std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter,
                                                            std::array<std::uint32_t, 2> key) {
  constexpr int kRounds = 10;
  constexpr std::uint64_t kFirstFactor = 0xD2511F53;
  constexpr std::uint64_t kSecondFactor = 0xCD9E8D57;
  constexpr std::array<std::uint32_t, 2> kKeySteps = {0x9E3779B9, 0xBB67AE85};
  constexpr unsigned kWordBits = 32;
  const auto low = [](std::uint64_t number) { return static_cast<std::uint32_t>(number); };
  const auto high = [](std::uint64_t number) {
    return static_cast<std::uint32_t>(number >> kWordBits);
  };
  for (int round = 0; round < kRounds; ++round) {
    const std::uint64_t first = kFirstFactor * counter[0];
    const std::uint64_t second = kSecondFactor * counter[2];
    counter = {high(second) ^ counter[1] ^ key[0], low(second), high(first) ^ counter[3] ^ key[1],
               low(first)};
    for (std::size_t i = 0; i < key.size(); ++i) key[i] += kKeySteps[i];
  }
  return counter;
}

}  // namespace lockstep::data

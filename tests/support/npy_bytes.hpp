// .npy files made by hand, as numpy.save writes them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace lockstep::tests {

/// Version 1.0, with the dictionary `dictionary`.
inline std::string npy_header(std::string dictionary) {
  constexpr std::size_t kAlignment = 64;
  constexpr std::size_t kBefore = 10;
  while ((kBefore + dictionary.size() + 1) % kAlignment != 0) dictionary.push_back(' ');
  dictionary.push_back('\n');
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes.push_back(static_cast<char>(dictionary.size() & 0xffU));
  bytes.push_back(static_cast<char>(dictionary.size() >> 8U));
  return bytes + dictionary;
}

/// `type`: "<f4"; `shape`: "(3, 2)".
template <typename T>
std::string npy(const std::string& type, const std::string& shape, const std::vector<T>& values) {
  std::string bytes =
      npy_header("{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }");
  for (const auto byte : std::as_bytes(std::span(values))) {
    bytes.push_back(static_cast<char>(byte));
  }
  return bytes;
}

}  // namespace lockstep::tests

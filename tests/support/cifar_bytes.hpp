// CIFAR's files made by hand.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "temporary_folder.hpp"

namespace lockstep::tests {

inline constexpr std::size_t kCifarPixels = 3072;  // of three planes

/// A record with these labels, a byte each, and an image that differs from those of other seeds.
inline std::string cifar_record(const std::vector<int>& labels, std::size_t seed) {
  std::string bytes;
  for (const int label : labels) bytes.push_back(static_cast<char>(label));
  for (std::size_t i = 0; i < kCifarPixels; ++i) {
    bytes.push_back(static_cast<char>((seed * 31 + i * 7 + i / 256) % 256));
  }
  return bytes;
}

/// Writes data_batch_1.bin to data_batch_5.bin of `train` records each and test_batch.bin of
/// `test`, with the names of the classes. The label of record i of a file is i mod 10, and so is
/// the seed of its image.
inline void write_cifar10(const std::filesystem::path& folder, int train, int test) {
  std::filesystem::create_directories(folder);
  const auto records = [](int count) {
    std::string bytes;
    for (int i = 0; i < count; ++i) {
      bytes += cifar_record({i % 10}, static_cast<std::size_t>(i % 10));
    }
    return bytes;
  };
  for (int batch = 1; batch <= 5; ++batch) {
    write_bytes(folder / ("data_batch_" + std::to_string(batch) + ".bin"), records(train));
  }
  write_bytes(folder / "test_batch.bin", records(test));
  write_bytes(folder / "batches.meta.txt",
              "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n\n");
}

}  // namespace lockstep::tests

// IDX files made by hand, plain and gzip-compressed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <zlib.h>

#include "temporary_folder.hpp"

namespace lockstep::tests {

inline std::string idx_header(const std::vector<std::uint32_t>& dimensions) {
  std::string bytes = {'\0', '\0', '\x08', static_cast<char>(dimensions.size())};
  for (const auto extent : dimensions) {
    for (const unsigned shift : {24U, 16U, 8U, 0U}) {
      bytes.push_back(static_cast<char>((extent >> shift) & 0xffU));
    }
  }
  return bytes;
}

inline std::string gzip(const std::string& bytes) {
  const TemporaryFolder folder;
  const auto path = folder / "data.gz";
  gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(file);
  return read_bytes(path);
}

/// `count` images and labels; image i is filled with i, its label is i mod 10.
struct TinyDataset {
  std::string images;
  std::string labels;
  explicit TinyDataset(std::uint32_t count)
      : images(idx_header({count, 28, 28})), labels(idx_header({count})) {
    for (std::uint32_t i = 0; i < count; ++i) {
      images += std::string(784, static_cast<char>(i));
      labels.push_back(static_cast<char>(i % 10));
    }
  }
};

/// Writes the four files of a data set, plain.
inline void write_dataset(const std::filesystem::path& folder, std::uint32_t train,
                          std::uint32_t test) {
  std::filesystem::create_directories(folder);
  write_bytes(folder / "train-images-idx3-ubyte", TinyDataset(train).images);
  write_bytes(folder / "train-labels-idx1-ubyte", TinyDataset(train).labels);
  write_bytes(folder / "t10k-images-idx3-ubyte", TinyDataset(test).images);
  write_bytes(folder / "t10k-labels-idx1-ubyte", TinyDataset(test).labels);
}

}  // namespace lockstep::tests

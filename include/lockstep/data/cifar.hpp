// CIFAR-10 and CIFAR-100 from their binary files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include <lockstep/data/dataset.hpp>

namespace lockstep::data {

enum class Cifar : std::uint8_t { k10, k100 };

/// True if `folder`, or "cifar-10-batches-bin" ("cifar-100-binary") in it, has at least two of the
/// data set's files.
[[nodiscard]] bool has_cifar_files(Cifar kind, const std::filesystem::path& folder);

/// Colour images of 32 × 32 bytes, [3, 32, 32], which become float32 / 255, in ten classes or (by
/// their fine labels) a hundred. Classes have the names of batches.meta.txt (fine_label_names.txt)
/// if that file has one for each class. Checks the files' sizes; `fill` checks the labels. Throws
/// DataError naming the file that is missing or wrong. Never waits for a pipe.
/// Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009;
/// https://www.cs.toronto.edu/~kriz/cifar.html
[[nodiscard]] std::unique_ptr<DatasetSource> open_cifar(Cifar kind,
                                                        const std::filesystem::path& folder);

}  // namespace lockstep::data

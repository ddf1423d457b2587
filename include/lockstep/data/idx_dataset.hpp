// Data in IDX files of any shape: MNIST, KMNIST, EMNIST, QMNIST and their like.
#pragma once

#include <filesystem>
#include <memory>

#include <lockstep/data/dataset.hpp>

namespace lockstep::data {

/// True if `folder`, or one below it where torchvision puts data, has a file with such a name.
[[nodiscard]] bool has_idx_files(const std::filesystem::path& folder);

/// The data set of the four files in `folder` whose names end like those of MNIST, behind the same
/// prefix ("emnist-letters-train-images-idx3-ubyte.gz"; "test" or "t10k"). Inputs of unsigned bytes
/// [N, H, W], [N, C, H, W], [N, D] or [N] become float32 / 255. Labels are bytes [N], or integers
/// [N, K ≤ 8] of 32 bits whose first column is the class, as in QMNIST. They count from 0; where no
/// label is 0, from 1, and then class i is called i + 1. There are as many classes as the largest
/// label of all implies. Throws DataError naming the file. Never waits for a pipe.
/// Sources: Y. LeCun, MNIST page; G. Cohen et al., "EMNIST", arXiv:1702.05373; C. Yadav, L. Bottou,
/// "Cold Case: The Lost MNIST Digits", arXiv:1905.10498.
[[nodiscard]] std::unique_ptr<DatasetSource> open_idx_dataset(const std::filesystem::path& folder);

}  // namespace lockstep::data

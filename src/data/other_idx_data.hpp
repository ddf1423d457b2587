// Telling FashionMNIST's kind of data from other data under the same file names.
#pragma once

#include <filesystem>

#include <lockstep/data/idx.hpp>

namespace lockstep::data {

/// [N, 28, 28].
[[nodiscard]] bool has_fashion_mnist_shape(const IdxFile& images);

/// True if the files in a folder show that they are not of FashionMNIST's kind: sound images of
/// another shape, or, in both files of labels, classes 0 (or 1) to K ≥ 10 of which none is missing.
/// A single label that is too large is damage, and so is what cannot be read: of those the data
/// set's source says what is wrong. Reads headers and labels.
[[nodiscard]] bool has_other_idx_data(const std::filesystem::path& folder);

}  // namespace lockstep::data

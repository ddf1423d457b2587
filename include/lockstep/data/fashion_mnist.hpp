// FashionMNIST from its four IDX files.
#pragma once

#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <lockstep/data/image_dataset.hpp>

namespace lockstep::data {

/// What each label stands for.
inline constexpr std::array<std::string_view, kClasses> kClassNames = {
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};

/// Folders where the data set is looked for when none is named, in this order: the project's
/// data/FashionMNIST/raw below the working directory (torchvision's place), Debian's package.
[[nodiscard]] std::vector<std::filesystem::path> default_data_folders();

/// Opens the data set in the first of `folders` that holds most of its files (each plain or .gz)
/// and checks headers, dimensions and counts against each other; the pixels are read by `fill`.
/// Throws DataError if no folder has it, or naming the file that is missing or wrong.
/// Source: H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST", arXiv:1708.07747.
[[nodiscard]] std::unique_ptr<DatasetSource> open_fashion_mnist(
    const std::vector<std::filesystem::path>& folders);

/// SHA-256 of a part's decoded bytes, as published; hexadecimal.
[[nodiscard]] std::string published_digest(Part part);

}  // namespace lockstep::data

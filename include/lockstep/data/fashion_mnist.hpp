// FashionMNIST from its four IDX files.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <lockstep/data/dataset.hpp>

namespace lockstep::data {

inline constexpr std::int64_t kImageSide = 28;
inline constexpr std::int64_t kImagePixels = kImageSide * kImageSide;
inline constexpr std::int64_t kClasses = 10;

/// Grey images of 28 × 28 bytes, converted to numbers from 0 to 1, in ten classes.
[[nodiscard]] SampleSpec fashion_mnist_spec();

/// What each label stands for.
inline constexpr std::array<std::string_view, kClasses> kClassNames = {
    "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
    "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};

/// Folders that are searched for the data set when none is named, in this order:
/// data/FashionMNIST/raw below the working directory (torchvision's place), Debian's package.
[[nodiscard]] std::vector<std::filesystem::path> default_data_folders();

/// True if any of these folders has one of its files, itself or below, unless sound headers and
/// labels there show other data: images of another size, or labels up to 10 or more of which none
/// below the largest is missing (but for 0), so that it is no damage.
[[nodiscard]] bool has_fashion_mnist_files(const std::vector<std::filesystem::path>& folders);

/// Opens the data set in the first of `folders` that holds most of its files (each plain or .gz),
/// directly or below, where torchvision puts them. Checks headers, dimensions and counts against
/// each other; the pixels are read by `fill`. Throws DataError if no folder has the data set, or
/// naming the file that is missing or wrong, and one with nearly its name. Never waits for a pipe.
/// Source: H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST", arXiv:1708.07747.
[[nodiscard]] std::unique_ptr<DatasetSource> open_fashion_mnist(
    const std::vector<std::filesystem::path>& folders);

/// SHA-256 of a part's decoded bytes, as published; hexadecimal.
[[nodiscard]] std::string published_digest(Part part);

/// True if a part's decoded bytes are the published ones.
[[nodiscard]] bool is_as_published(Part part, std::span<const std::byte> bytes);

/// True if the digests of all parts, by part_name, are the published ones.
[[nodiscard]] bool are_published(const DatasetDigests& digests);

/// Describes the files in a folder, for people and for config.json.
[[nodiscard]] std::string describe_files(const std::string& folder, bool as_published);

}  // namespace lockstep::data

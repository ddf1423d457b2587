// Data in folders of pictures.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include <lockstep/data/dataset.hpp>
#include <lockstep/data/picture.hpp>

namespace lockstep::data {

struct PictureOptions {
  std::optional<PictureSize> resize{};   ///< nothing: all pictures must have the same size
  std::filesystem::path cache_folder{};  ///< for decoded pictures; empty: they are not kept
};

/// True if `folder` has train/CLASS/.
[[nodiscard]] bool has_picture_folders(const std::filesystem::path& folder);

/// Pictures in train/CLASS/ and test/CLASS/ of `folder`: .png, .jpg and .jpeg, told by their
/// content. Inputs are bytes [1, height, width] if all are grey, otherwise [3, height, width] (red,
/// green, blue), and a network gets them / 255; alpha is left out. Targets are the sub-folders of
/// train in the order of their names' bytes; so are the samples, by class and file name. Pictures
/// of other sizes are an error, or scaled (bilinearly, with antialiasing) to `resize`. `prepare`
/// decodes them into a file in `cache_folder` that later runs find again while no picture changes.
/// Throws DataError naming the file or folder: a damaged, truncated or CMYK picture, more than 256
/// MiB, kMaxPictureSide, 50 million pictures, 2^20 classes.
[[nodiscard]] std::unique_ptr<DatasetSource> open_picture_dataset(
    const std::filesystem::path& folder, const PictureOptions& options);

}  // namespace lockstep::data

#include "other_idx_data.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include <lockstep/base/error.hpp>
#include <lockstep/data/fashion_mnist.hpp>

#include "dataset_files.hpp"
#include "idx_pair.hpp"

namespace lockstep::data {
namespace {

/// Which labels there are.
using Occurrence = std::array<bool, 256>;

/// False if images or labels are missing.
bool note_labels(const std::filesystem::path& folder, Part of_images, Part of_labels,
                 Occurrence& found) {
  const auto images = find_file(folder, of_images);
  const auto labels = find_file(folder, of_labels);
  if (!images || !labels) return false;
  IdxFile file(*labels);
  require_pair(IdxFile(*images), file);  // bounds what is allocated
  if (file.dimensions().size() != 1) return false;
  std::vector<std::byte> bytes(static_cast<std::size_t>(file.elements()));
  file.read_into(bytes);
  for (const auto label : bytes) found.at(std::to_integer<std::size_t>(label)) = true;
  return true;
}

/// True if these are the labels 0 (or 1) to K ≥ 10.
bool are_more_classes(const Occurrence& found) {
  const auto* const first = found.begin() + (found[0] ? 0 : 1);
  const auto* const gap = std::find(first, found.end(), false);
  return gap - found.begin() > kClasses && std::find(gap, found.end(), true) == found.end();
}

bool has_more_classes(const std::filesystem::path& folder) {
  Occurrence found{};
  return note_labels(folder, Part::kTrainImages, Part::kTrainLabels, found) &&
         note_labels(folder, Part::kTestImages, Part::kTestLabels, found) &&
         are_more_classes(found);
}

bool has_other_shape(const std::filesystem::path& folder) {
  for (const Part part : {Part::kTrainImages, Part::kTestImages}) {
    const auto path = find_file(folder, part);
    if (path && !has_fashion_mnist_shape(IdxFile(*path))) return true;
  }
  return false;
}

}  // namespace

bool has_fashion_mnist_shape(const IdxFile& images) {
  const auto& shape = images.dimensions();
  return shape.size() == 3 && shape[1] == kImageSide && shape[2] == kImageSide;
}

bool has_other_idx_data(const std::filesystem::path& folder) {
  try {
    return has_other_shape(folder) || has_more_classes(folder);
  } catch (const DataError&) {
    return false;
  }
}

}  // namespace lockstep::data

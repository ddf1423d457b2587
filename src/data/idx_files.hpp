// The four IDX files of a data set, whatever their names begin with.
#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include <lockstep/data/dataset.hpp>

namespace lockstep::data {

/// What a file's name says: "emnist-letters-train-images-idx3-ubyte.gz" has the prefix
/// "emnist-letters-".
struct IdxName {
  std::string prefix;
  Part part = Part::kTrainImages;
};

/// PREFIX(train|t10k|test)-(images|labels)-idxN-(ubyte|int), also with a dot before "idx" and with
/// ".gz"; nothing for other names.
[[nodiscard]] std::optional<IdxName> parse_idx_name(std::string_view name);

/// A file for each part, in one folder.
struct IdxFiles {
  std::filesystem::path folder;
  std::string prefix;
  std::array<std::filesystem::path, kAllParts.size()> paths;
};

/// The data set in a folder or below it, where torchvision puts data: in the one that has most of
/// its files. A plain file is preferred to a .gz of its name. Throws DataError for a part that is
/// missing or there twice, and for several data sets in one folder.
[[nodiscard]] IdxFiles find_idx_files(const std::filesystem::path& folder);

}  // namespace lockstep::data

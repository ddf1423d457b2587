// Where the four files of a data set are, under the names in circulation.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <lockstep/data/dataset.hpp>

namespace lockstep::data {

/// The name under which a part was published, without ".gz".
[[nodiscard]] const char* file_name(Part part);

/// A part's file in a folder: NAME or NAME.gz, also with a dot before "idx"
/// (train-images.idx3-ubyte), or inside a folder of such a name. Regular files only.
[[nodiscard]] std::optional<std::filesystem::path> find_file(const std::filesystem::path& folder,
                                                             Part part);

/// How many of the parts `find_file` finds in a folder.
[[nodiscard]] std::ptrdiff_t files_in(const std::filesystem::path& folder);

/// The folder itself and, in case it is the root of torchvision's data, those below it where
/// torchvision puts the data set.
[[nodiscard]] std::vector<std::filesystem::path> places_of(const std::filesystem::path& folder);

/// For an error: what in a folder, or up to two levels below it, may be meant to be a part (or any
/// part, if none is given), and what to do about it. Empty if there is no such thing. Looks at no
/// more than a thousand names.
[[nodiscard]] std::string describe_near_file(const std::filesystem::path& folder,
                                             std::optional<Part> part);

}  // namespace lockstep::data

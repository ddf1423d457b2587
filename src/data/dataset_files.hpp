// Where the four files of a data set lie, under the names that are about.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <lockstep/data/dataset.hpp>

namespace lockstep::data {

/// The name under which a part was published, without ".gz".
[[nodiscard]] const char* file_name(Part part);

/// A part's file in a folder: NAME or NAME.gz, with a dot before "idx" (train-images.idx3-ubyte)
/// too, or inside a folder of such a name. Regular files only.
[[nodiscard]] std::optional<std::filesystem::path> find_file(const std::filesystem::path& folder,
                                                             Part part);

/// How many of the parts `find_file` finds in a folder.
[[nodiscard]] std::ptrdiff_t files_in(const std::filesystem::path& folder);

/// The folder itself, and those below it in which torchvision puts the data set, given its root.
[[nodiscard]] std::vector<std::filesystem::path> places_of(const std::filesystem::path& folder);

/// For an error: what in a folder, or up to two levels below it, may be meant to be a part (or, for
/// nothing, any part), and what to do about it. Empty if there is no such thing. Looks at a
/// thousand names at most.
[[nodiscard]] std::string describe_near_file(const std::filesystem::path& folder,
                                             std::optional<Part> part);

}  // namespace lockstep::data

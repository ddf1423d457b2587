// The kinds of files that --data-dir can hold. A new kind is a file in src/task/data and a line in
// src/task/data_kinds.cpp.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <lockstep/data/dataset.hpp>
#include <lockstep/data/picture.hpp>

namespace lockstep::task {

/// What options say about the data in a folder.
struct FolderOptions {
  std::optional<data::PictureSize> resize{};
};

struct DataKind {
  std::string name;   ///< of --dataset
  std::string files;  ///< for people: what a folder of this kind has in it
  /// True if `folder` seems to hold data of this kind, by the names of its files and, where several
  /// kinds have the same names, by what is in them; empty: the default places.
  bool (*is_in)(const std::string& folder);
  /// The data in `folder`; empty: in the default places. Throws DataError.
  std::unique_ptr<data::DatasetSource> (*open)(const std::string& folder,
                                               const FolderOptions& options);
  bool resizes = false;  ///< `options.resize` is for it; for others, it is not set
};

/// In the order in which they are looked for; the first is what is meant where no folder is named.
[[nodiscard]] const std::vector<DataKind>& data_kinds();

}  // namespace lockstep::task

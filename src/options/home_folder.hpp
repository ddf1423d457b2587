// ~ at the beginning of a path, as shells understand it.
#pragma once

#include <string>
#include <vector>

namespace lockstep::options {

/// `path` with its leading `~` or `~user` replaced by that home folder; unchanged if it has none or
/// there is no such user. Shells do this only for whole words: not behind `--output-dir=`, nor in
/// files. `environment`: "NAME=value" entries, whose HOME counts.
[[nodiscard]] std::string with_home_folder(const std::string& path,
                                           const std::vector<std::string>& environment);

}  // namespace lockstep::options

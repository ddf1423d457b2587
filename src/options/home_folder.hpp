// ~ at the beginning of a path, as in a shell.
#pragma once

#include <string>
#include <vector>

namespace lockstep::options {

/// `path` with its leading `~` or `~user` replaced by that home folder; unchanged if it has none or
/// there is no such user. Shells do this only for whole words, not after `--output-dir=` or in
/// files. `environment`: "NAME=value" entries, whose HOME is used.
[[nodiscard]] std::string with_home_folder(const std::string& path,
                                           const std::vector<std::string>& environment);

}  // namespace lockstep::options

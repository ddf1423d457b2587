// Where files lie that can be made again.
#pragma once

#include <filesystem>

namespace lockstep {

/// $LOCKSTEP_CACHE_DIR, else $XDG_CACHE_HOME/lockstep, else ~/.cache/lockstep; empty if none of the
/// variables is set. The folder may not exist yet. Source: XDG Base Directory Specification 0.8,
/// by which a path in XDG_CACHE_HOME that is not absolute does not count.
[[nodiscard]] std::filesystem::path cache_folder();

}  // namespace lockstep

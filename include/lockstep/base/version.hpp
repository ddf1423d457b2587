// What this build is.
#pragma once

#include <string_view>

namespace lockstep {

/// The release, as in CMakeLists.txt ("0.1.0").
[[nodiscard]] std::string_view version();

/// `git describe --always --dirty` of the source when it was last built, or "unknown".
[[nodiscard]] std::string_view git_revision();

/// The smaller libraries it was built with: "Boost 1.74.0, fmt 9.1.0, …".
[[nodiscard]] std::string_view library_versions();

}  // namespace lockstep

// What `lockstep --version` prints.
#pragma once

#include <string>

namespace lockstep::session {

/// Name and version, then one line per library.
[[nodiscard]] std::string version_text();

}  // namespace lockstep::session

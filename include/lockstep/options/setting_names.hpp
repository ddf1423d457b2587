// How the command line calls the settings that errors of the library name.
#pragma once

#include <string>

#include <lockstep/base/error.hpp>

namespace lockstep::options {

/// `message` with the options behind it that set `settings`: "… (--batch-size, --tail)".
[[nodiscard]] std::string with_options(const std::string& message, const Settings& settings);

}  // namespace lockstep::options

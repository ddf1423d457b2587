// The command line's names for the settings that errors of the library mention.
#pragma once

#include <string>

#include <lockstep/base/error.hpp>

namespace lockstep::options {

/// `message` with the options behind it that set `settings`: "… (--batch-size, --tail)".
[[nodiscard]] std::string with_options(const std::string& message, const Settings& settings);

}  // namespace lockstep::options

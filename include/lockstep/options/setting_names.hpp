// How the command line calls the settings that errors of the library name.
#pragma once

#include <string>

#include <lockstep/base/error.hpp>

namespace lockstep::options {

/// "collective_timeout" is "--collective-timeout".
[[nodiscard]] std::string option_of_setting(const std::string& setting);

/// `message` with the options behind it that set `settings`: "… (--batch-size, --tail)".
[[nodiscard]] std::string with_options(const std::string& message, const Settings& settings);

}  // namespace lockstep::options

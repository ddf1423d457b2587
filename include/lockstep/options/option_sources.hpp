// Where options come from: command line, then environment, then configuration file.
#pragma once

#include <string>
#include <vector>

#include <lockstep/options/option_table.hpp>

namespace lockstep::options {

/// Whether to read the file that --config names: some ranks' hosts need not have it.
enum class ConfigFile : unsigned char { kRead, kLeaveAside };

/// The options given, each name once: the command line (where the last use of a name counts) wins
/// over LOCKSTEP_<OPTION_NAME> in `environment` ("NAME=value" entries), which wins over the file
/// that --config (or LOCKSTEP_CONFIG) names. A leading ~ in a path becomes the home folder. Throws
/// UsageError for an unknown option, a missing value, a stray argument, an option that a file sets
/// twice, or an unreadable file, with the nearest valid name. LOCKSTEP_* variables that are neither
/// options of this command nor among `names_elsewhere` (other commands' options) go to `warnings`.
/// Arguments that belong to no option go to `operands`; if that is null, they are stray.
[[nodiscard]] std::vector<GivenOption> collect_options(
    const OptionTable& table, const std::vector<std::string>& arguments,
    const std::vector<std::string>& environment, const std::vector<std::string>& names_elsewhere,
    std::vector<std::string>& warnings, std::vector<std::string>* operands = nullptr,
    ConfigFile file = ConfigFile::kRead);

/// This process's environment.
[[nodiscard]] std::vector<std::string> process_environment();

}  // namespace lockstep::options

// The --checkpoint option of the commands that read weights.
#pragma once

#include <string>

#include <lockstep/options/option_table.hpp>

namespace lockstep::app {

/// `file` must outlive the option.
[[nodiscard]] options::Option checkpoint_option(std::string& file);

/// Throws UsageError if --checkpoint was not given.
void require_checkpoint(const std::string& file);

}  // namespace lockstep::app

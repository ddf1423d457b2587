// The options in a run's record, RUN/config.json.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <lockstep/options/option_table.hpp>

namespace lockstep::options {

/// The options in the record `text`, as they would be typed; `path` becomes their source. Leaves
/// out options that `table` knows to have another scope than the run's, and a --data-dir that does
/// not exist on this host. Throws UsageError if `text` is not a record.
[[nodiscard]] std::vector<GivenOption> recorded_options(const OptionTable& table,
                                                        std::string_view text,
                                                        const std::string& path);

}  // namespace lockstep::options

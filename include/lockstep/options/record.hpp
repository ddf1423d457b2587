// The options in a run's record, RUN/config.json.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <lockstep/options/option_table.hpp>

namespace lockstep::options {

/// The options in a record whose text is `text`, as they would be typed; `path` becomes their
/// source. Left out are those that `table` knows as of another scope than the run's, and a
/// --data-dir that is not on this host. Throws UsageError if `text` is no record.
[[nodiscard]] std::vector<GivenOption> recorded_options(const OptionTable& table,
                                                        std::string_view text,
                                                        const std::string& path);

}  // namespace lockstep::options

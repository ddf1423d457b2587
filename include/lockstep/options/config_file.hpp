// The text of a --config file: `name = value` lines, or a run's config.json.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <lockstep/options/option_table.hpp>

namespace lockstep::options {

/// What `text`, the content of the file `path`, sets, in the file's order. Names are not checked,
/// but none comes twice. Sources are "train.conf:3", or the path of a config.json.
///
/// A line is empty, a comment, or `name = value`. `#` begins a comment at the start of a line or
/// after white space. Quotes around a whole value are removed, and protect a # inside. A byte-order
/// mark and carriage returns are skipped.
///
/// Text that begins with `{` is a run's record (docs/files.md): see `recorded_options`, which alone
/// uses `table`.
///
/// Throws UsageError with file and line.
[[nodiscard]] std::vector<GivenOption> parse_config_file(const OptionTable& table,
                                                         std::string_view text,
                                                         const std::string& path);

}  // namespace lockstep::options

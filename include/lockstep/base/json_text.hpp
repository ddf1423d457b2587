// JSON as text. Bytes that are not UTF-8, as in a file name, become U+FFFD: JSON cannot hold them.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace lockstep {

/// On one line, without a newline at the end.
[[nodiscard]] std::string json_line(const nlohmann::ordered_json& value);

/// Indented by two spaces, with a newline at the end.
[[nodiscard]] std::string json_document(const nlohmann::ordered_json& value);

}  // namespace lockstep

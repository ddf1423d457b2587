// JSON as text. Bytes that are no UTF-8, as in a file's name, become U+FFFD: JSON cannot hold them.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

namespace lockstep {

/// In one line, without its end.
[[nodiscard]] std::string json_line(const nlohmann::ordered_json& value);

/// Indented by two, with a newline at the end.
[[nodiscard]] std::string json_document(const nlohmann::ordered_json& value);

}  // namespace lockstep

// "Did you mean …?": the known name nearest to a misspelt one.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace lockstep {

/// The entry of `known` with the smallest edit distance (insert, delete, substitute, swap of
/// neighbours) to `name`, if that is at most a third of the name's length (2 edits are always
/// allowed).
/// Source: optimal string alignment distance (Damerau 1964).
[[nodiscard]] std::optional<std::string> nearest_name(std::string_view name,
                                                      std::span<const std::string> known);

}  // namespace lockstep

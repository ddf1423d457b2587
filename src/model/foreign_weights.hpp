// Weights in other formats: recognising them, and how to convert them to safetensors.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace lockstep::model {

/// What a file that is not a safetensors file seems to be, judging by its first bytes, and what to
/// do: the second half of an error's line. Empty if it is unknown.
[[nodiscard]] std::string describe_foreign_weights(std::string_view beginning,
                                                   const std::filesystem::path& path);

/// How many of a file's first bytes `describe_foreign_weights` looks at.
inline constexpr std::size_t kForeignBeginning = 128;

}  // namespace lockstep::model

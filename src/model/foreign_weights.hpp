// Weights in other formats: what they are, and how they become safetensors.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace lockstep::model {

/// What a file that is no safetensors file seems to be by its first bytes, and what to do: the
/// second half of an error's line. Empty if nothing is known of it.
[[nodiscard]] std::string describe_foreign_weights(std::string_view beginning,
                                                   const std::filesystem::path& path);

/// How many of a file's first bytes `describe_foreign_weights` looks at.
inline constexpr std::size_t kForeignBeginning = 128;

}  // namespace lockstep::model

// Writing to what may be full for a while.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <span>

namespace lockstep {

/// How long a pipe or terminal that does not block may refuse what is written to it.
constexpr std::chrono::milliseconds kUsualWriteWait = std::chrono::seconds(10);

/// As write_all, which waits for kUsualWriteWait.
void write_all_within(std::chrono::milliseconds wait, int descriptor,
                      std::span<const std::byte> bytes, const std::filesystem::path& path);

}  // namespace lockstep

// Writing to something that may be full for a while.
#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <span>

namespace lockstep {

/// How long a non-blocking pipe or terminal may refuse to take what is written to it.
constexpr std::chrono::milliseconds kUsualWriteWait = std::chrono::seconds(10);

/// As write_all, but waits for up to `wait` instead of kUsualWriteWait.
void write_all_within(std::chrono::milliseconds wait, int descriptor,
                      std::span<const std::byte> bytes, const std::filesystem::path& path);

}  // namespace lockstep

// Standard output that may refuse what is written to it.
#pragma once

#include <chrono>
#include <string_view>

namespace lockstep {

/// As write_standard_output(text), which waits for 10 s, but waits up to `wait` in all where
/// standard output is non-blocking and full. Throws RuntimeFailure.
void write_standard_output(std::string_view text, std::chrono::milliseconds wait);

}  // namespace lockstep

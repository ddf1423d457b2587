// Writing to a standard output that may not accept everything at once.
#pragma once

#include <chrono>
#include <string_view>

namespace lockstep {

/// As write_standard_output(text), but if standard output is non-blocking and full, waits up to
/// `wait` in all instead of 10 s. Throws RuntimeFailure.
void write_standard_output(std::string_view text, std::chrono::milliseconds wait);

}  // namespace lockstep

// The name of the processor.
#pragma once

#include <string>

namespace lockstep::runtime {

/// "AMD EPYC 9355 32-Core Processor", as the kernel names it; "unknown" if it does not.
/// Source: proc(5), /proc/cpuinfo.
[[nodiscard]] std::string cpu_model();

}  // namespace lockstep::runtime

// How long this process has been running.
#pragma once

namespace lockstep::runtime {

/// Seconds since the kernel started this process (before its libraries were loaded), to 0.01 s; 0
/// if /proc does not say. Source: proc(5), /proc/self/stat field 22 and /proc/uptime.
[[nodiscard]] double seconds_since_process_start();

}  // namespace lockstep::runtime

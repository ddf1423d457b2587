// How much processor time a container or service may use.
#pragma once

#include <filesystem>

namespace lockstep::runtime {

/// The CPU quota that all processes of this process's cgroup share, in CPUs (1.5: 150 ms of
/// processor time in 100 ms): the smallest of the cgroup's own and its ancestors'. 0 if there is
/// none. Reads proc/self/cgroup and sys/fs/cgroup below `root`, for cgroup versions 1 and 2.
/// Source: Documentation/admin-guide/cgroup-v2.rst (cpu.max) and
/// Documentation/scheduler/sched-bwc.rst of Linux.
[[nodiscard]] double read_cpu_quota(const std::filesystem::path& root = "/");

}  // namespace lockstep::runtime
